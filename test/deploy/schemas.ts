import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020';
import { parse } from 'yaml';

/** The oldest and newest Kubernetes versions that are checked; install.sh installs both. */
export const VERSIONS = ['v1.30.0', 'v1.37.0'] as const;

const options = { strict: false, allErrors: true, validateFormats: false };

/** Errors of a Kubernetes object by its published schema, unknown fields too. */
export function kubernetesFaults(folder: string, version: string, object: any): string[] {
  const [group, api] = object.apiVersion.includes('/') ? object.apiVersion.split('/') : ['', object.apiVersion];
  const name = [object.kind.toLowerCase(), ...(group === '' ? [] : [group.split('.')[0]]), api].join('-');
  const path = join(folder, version, `${name}.json`);
  if (!existsSync(path)) return [`${version} has no ${object.apiVersion} ${object.kind}`];
  const validate = validators.get(path) ?? ajvOf(folder, version).compile(json(path));
  validators.set(path, validate);
  return faultsOf(validate, object);
}

function ajvOf(folder: string, version: string): Ajv2020 {
  const place = join(folder, version);
  let ajv = ajvs.get(place);
  if (ajv === undefined) {
    ajv = new Ajv2020(options);
    ajv.addSchema(json(join(place, '_definitions.json')));
    ajvs.set(place, ajv);
  }
  return ajv;
}

const validators = new Map<string, ValidateFunction>();
const ajvs = new Map<string, Ajv2020>();

/** Errors of a KServe object by the schema of its CustomResourceDefinition. */
export function kserveFaults(folder: string, { apiVersion, kind, metadata, ...others }: any): string[] {
  const key = `${folder} ${apiVersion} ${kind}`;
  const validate = validators.get(key) ?? kserveValidator(folder, apiVersion, kind);
  if (validate === undefined) return [`no ${apiVersion} ${kind}`];
  validators.set(key, validate);
  // metadata belongs to Kubernetes and is not in the definition.
  return [...(metadata?.name === undefined ? ['no name'] : []), ...faultsOf(validate, others)];
}

function kserveValidator(folder: string, apiVersion: string, kind: string): ValidateFunction | undefined {
  const definition = readdirSync(join(folder, 'kserve'))
    .map((file) => parse(readFileSync(join(folder, 'kserve', file), 'utf8')))
    .find(({ spec }) => spec.names.kind === kind);
  const version = definition?.spec.versions.find(({ name }: any) => `${definition.spec.group}/${name}` === apiVersion);
  return version && new Ajv2020(options).compile(closed(version.schema.openAPIV3Schema));
}

/** Rejects unknown fields, as `kubectl apply` does for a structural schema. */
function closed(schema: any): any {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = made['x-kubernetes-preserve-unknown-fields'] === true || made.additionalProperties !== undefined;
  return made.type === 'object' && typeof made.properties === 'object' && !open
    ? { ...made, additionalProperties: false }
    : made;
}

function faultsOf(validate: ValidateFunction, object: unknown): string[] {
  if (validate(object)) return [];
  return validate.errors!.map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

function json(path: string): any {
  return JSON.parse(readFileSync(path, 'utf8'));
}
