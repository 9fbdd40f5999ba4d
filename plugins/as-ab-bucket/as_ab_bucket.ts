// as-ab-bucket - plugins/ab-bucket in AssemblyScript: each visitor into one variant of every experiment, from the visitor's cookie alone.
export * from "@solo-io/proxy-runtime/proxy";
import { RootContext, Context, registerRootContext, FilterHeadersStatusValues, HeaderPair, LogLevelValues, log, stream_context } from "@solo-io/proxy-runtime";
import { Json, equals, find, hash, slice, trim } from "bimetal";

const MAX_EXPERIMENTS = 16;
const MAX_VARIANTS = 8;
const MAX_WEIGHT = 1000000;
const MAX_VISITOR_BYTES = 256;

class Experiment {
  header: string;
  seed: u64;
  weight: u64 = 0;
  names: string[] = [];
  below: u64[] = [];

  constructor(name: string) {
    this.header = "x-ab-" + name;
    this.seed = hash(0, Uint8Array.wrap(String.UTF8.encode(name)));
  }

  add(name: string, weight: u64): void {
    this.weight += weight;
    this.names.push(name);
    this.below.push(this.weight);
  }

  // The high half of the product spreads 2^32 hashes over the weights without a division's bias.
  choose(visitor: Uint8Array): string {
    let point = ((hash(this.seed, visitor) >> 32) * this.weight) >> 32;
    let i = 0;
    while (point >= this.below[i]) i++;
    return this.names[i];
  }
}

function refuse(why: string): bool {
  log(LogLevelValues.error, "as-ab-bucket: " + why);
  return false;
}

function isName(text: string): bool {
  if (text.length == 0 || text.length > 32) return false;
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i);
    if (!((c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c == 0x2d)) return false;
  }
  return true;
}

class Root extends RootContext {
  experiments: Experiment[] = [];
  cookie: Uint8Array = Uint8Array.wrap(String.UTF8.encode("visitor"));

  onConfigure(size: u32): bool {
    if (size == 0 || !super.onConfigure(size)) return refuse("the configuration lacks experiments");
    let json = new Json(this.getConfiguration());
    if (!json.isValid) return refuse("the configuration is not a flat JSON object");
    for (let i = 0; i < json.keys.length; i++) {
      if (json.keys[i] == "cookie" && json.values[i].length > 0) this.cookie = Uint8Array.wrap(String.UTF8.encode(json.values[i]));
      else if (json.keys[i] != "experiments" || !json.isText[i]) return refuse("unknown key; there are cookie and experiments");
      else if (!this.takeExperiments(json.values[i])) return false;
    }
    return this.experiments.length > 0 || refuse("the configuration lacks experiments");
  }

  createContext(contextId: u32): Context {
    return new Visit(contextId, this);
  }

  private takeExperiments(text: string): bool {
    let lines = text.split("\n");
    for (let i = 0; i < lines.length; i++) {
      if (lines[i].trim().length > 0 && !this.takeExperiment(lines[i])) return false;
    }
    return true;
  }

  // "checkout: control=50, blue=25, green=25"
  private takeExperiment(line: string): bool {
    let colon = line.indexOf(":");
    if (colon < 0 || !isName(line.substring(0, colon).trim())) return refuse("an experiment is a line `name: variant=weight, variant=weight`");
    if (this.experiments.length == MAX_EXPERIMENTS) return refuse("there are more than 16 experiments");
    let experiment = new Experiment(line.substring(0, colon).trim());
    let variants = line.substring(colon + 1).split(",");
    if (variants.length > MAX_VARIANTS) return refuse("an experiment has more than 8 variants");
    for (let i = 0; i < variants.length; i++) {
      let parts = variants[i].split("=");
      let weight = parts.length == 2 ? I32.parseInt(parts[1].trim()) : -1;
      if (weight < 0 || weight > MAX_WEIGHT || !isName(parts[0].trim())) return refuse("a variant is NAME=WEIGHT, with a weight from 0 to 1000000");
      experiment.add(parts[0].trim(), weight);
    }
    this.experiments.push(experiment);
    return experiment.weight != 0 || refuse("the weights of an experiment are all 0");
  }
}

class Visit extends Context {
  constructor(contextId: u32, private root: Root) {
    super(contextId, root);
  }

  onRequestHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    let visitor = this.findVisitor();
    let experiments = this.root.experiments;
    for (let i = 0; i < experiments.length; i++) {
      let experiment = experiments[i];

      // Without a visitor everybody sees the first variant; what a client says of its variant never counts.
      stream_context.headers.request.replace(experiment.header, visitor === null ? experiment.names[0] : experiment.choose(visitor));
    }
    return FilterHeadersStatusValues.Continue;
  }

  // Browsers send one cookie field, HTTP/2 clients may send many. The first cookie of the name counts.
  private findVisitor(): Uint8Array | null {
    let fields: HeaderPair[] = stream_context.headers.request.get_headers();
    for (let i = 0; i < fields.length; i++) {
      if (String.UTF8.decode(fields[i].key) != "cookie") continue;
      let cookies = Uint8Array.wrap(fields[i].value);
      for (let start = 0; start <= cookies.length;) {
        let end = find(cookies, 0x3b, start, cookies.length);
        let pair = trim(slice(cookies, start, end));
        let at = find(pair, 0x3d, 0, pair.length);
        if (at < pair.length && equals(slice(pair, 0, at), this.root.cookie)) {
          let visitor = slice(pair, at + 1, pair.length);
          if (visitor.length > 0 && visitor.length <= MAX_VISITOR_BYTES) return visitor;
          break;
        }
        start = end + 1;
      }
    }
    return null;
  }
}

registerRootContext((contextId: u32) => new Root(contextId), "as-ab-bucket");
