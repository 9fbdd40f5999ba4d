// Makes countries.bin and prefixes.bin from a list of ranges ("first,last,CC" a line, addresses as numbers).
//   node make-table.mjs /usr/share/tor/geoip 100000        (Debian package tor-geoipdb)
// The ranges become a binary tree. A node whose addresses mostly belong to another country than what is around it becomes a prefix; those
// that say something about the most addresses are kept.
import { readFileSync, writeFileSync } from 'node:fs';

const [source, wanted] = [process.argv[2], Number(process.argv[3])];
const ranges = readFileSync(source, 'latin1').split('\n').filter((line) => /^\d/.test(line)).map((line) => {
  const [first, last, country] = line.split(',');
  return [Number(first), Number(last) + 1, country.trim()];
});
const countries = ['??', ...[...new Set(ranges.map((range) => range[2]))].filter((country) => country !== '??').sort()];
const numberOf = new Map(countries.map((country, number) => [country, number]));
if (countries.length > 256) throw new Error('more countries than a byte holds');

// Weighs [start, start + 2^bits) by country; ranges[from...] is where to look.
function weigh(start, bits, from) {
  const end = start + 2 ** bits;
  const weights = new Map();
  let covered = 0;
  for (let i = from; i < ranges.length && ranges[i][0] < end; i++) {
    const size = Math.min(ranges[i][1], end) - Math.max(ranges[i][0], start);
    if (size <= 0) continue;
    weights.set(ranges[i][2], (weights.get(ranges[i][2]) ?? 0) + size);
    covered += size;
  }
  if (covered < end - start) weights.set('??', (weights.get('??') ?? 0) + end - start - covered);
  return weights;
}

const found = [];
function visit(start, bits, from, around) {
  while (from < ranges.length && ranges[from][1] <= start) from++;
  const weights = weigh(start, bits, from);
  let [country, weight] = ['', 0];
  for (const [candidate, size] of weights) if (size > weight) [country, weight] = [candidate, size];
  // The largest prefixes would only be averages over half the world.
  const isPrefix = bits <= 24 && country !== around;
  if (isPrefix) found.push([start, 32 - bits, numberOf.get(country), weight - (weights.get(around) ?? 0)]);
  if (weights.size === 1 || bits === 0) return;
  const inside = isPrefix ? country : around;
  visit(start, bits - 1, from, inside);
  visit(start + 2 ** (bits - 1), bits - 1, from, inside);
}
visit(0, 32, 0, '??');

const kept = found.sort((a, b) => b[3] - a[3]).slice(0, wanted).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
const records = Buffer.alloc(kept.length * 6);
kept.forEach(([address, length, country], index) => {
  records.writeUInt32BE(address, index * 6);
  records.writeUInt8(length, index * 6 + 4);
  records.writeUInt8(country, index * 6 + 5);
});
writeFileSync(new URL('countries.bin', import.meta.url), countries.join(''), 'latin1');
writeFileSync(new URL('prefixes.bin', import.meta.url), records);
console.log(`${found.length} prefixes found, ${kept.length} kept, ${countries.length} countries`);
