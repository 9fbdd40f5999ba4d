// Validates configurations (a JSON array on the standard input) against a schema: one line each, "ok" or what ajv says.
// Usage: node validate.mjs AJV-FOLDER SCHEMA
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [, , ajvFolder, schemaPath] = process.argv;
const Ajv = createRequire(import.meta.url)(ajvFolder + '/dist/2020.js').default;
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(JSON.parse(readFileSync(schemaPath, 'utf8')));
for (const configuration of JSON.parse(readFileSync(0, 'utf8'))) {
  console.log(validate(configuration) ? 'ok' : validate.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`).join('; '));
}
