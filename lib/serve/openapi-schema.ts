/**
 * Building blocks of the OpenAPI document. Each route describes itself with them, in its own file; openapi.ts joins the
 * parts.
 */
export type Json = Record<string, unknown>;

/** What a route adds to the document. */
export interface OpenApiPart {
  paths: Json;
  /** Schemas that others refer to, by name. */
  schemas?: Json;
}

export const string: Json = { type: 'string' };
export const number: Json = { type: 'number' };
export const integer: Json = { type: 'integer' };
export const binary: Json = { type: 'string', contentMediaType: 'application/octet-stream' };
export const base64: Json = { type: 'string', contentEncoding: 'base64' };

export const list = (items: Json): Json => ({ type: 'array', items });

/** An object; with a type as `T`, the compiler checks that the schema has that type's properties and no others. */
export const object = <T extends object = Json>(
  properties: { [K in keyof Required<T>]: Json },
  required: readonly (keyof T & string)[] = Object.keys(properties) as (keyof T & string)[],
): Json => ({ type: 'object', required, properties });

/** A schema of {@link OpenApiPart.schemas}. */
export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** Content of a body in JSON. */
export const jsonContent = (schema: Json): Json => ({ 'application/json': { schema } });

/** The response 200, in JSON. */
export const ok = (schema: Json): Json => ({ 200: { description: 'OK', content: jsonContent(schema) } });

/** The query parameter `top`. */
export const topParameter: Json = {
  name: 'top',
  in: 'query',
  description: 'classes to name; default: 5',
  schema: integer,
};

/** The query parameter `model`. */
export const modelParameter: Json = {
  name: 'model',
  in: 'query',
  description: 'needed where several are served',
  schema: string,
};
