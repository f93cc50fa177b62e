import { errorResponses, errorSchemas } from './http/error-response';
import { modelApi } from './oip/model-routes';
import { repositoryApi } from './oip/repository';
import { serverApi } from './oip/server-routes';
import type { OpenApiPart } from './openapi-schema';
import { classifyApi } from './routes/classify';
import { explainApi } from './routes/explain';
import { featuresApi } from './routes/features';
import { metricsApi } from './routes/metrics';
import { v1Api } from './v1/routes';

const PARTS: readonly OpenApiPart[] = [
  serverApi,
  modelApi,
  repositoryApi,
  v1Api,
  classifyApi,
  featuresApi,
  explainApi,
  metricsApi,
];

/** The description of all routes, OpenAPI 3.1. */
export function openapi(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'libtorch-resnet',
      version,
      description: 'ResNets over HTTP: the Open Inference Protocol, version 2, and routes for people.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '.' }],
    security: [{}, { bearer: [] }, { key: [] }],
    paths: Object.assign({}, ...PARTS.map(({ paths }) => paths)) as object,
    components: {
      schemas: Object.assign({}, errorSchemas, ...PARTS.map(({ schemas }) => schemas)) as object,
      responses: errorResponses,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
    },
  };
}
