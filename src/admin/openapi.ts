// The description of the API, made of the table of endpoints and the schemas that the answers are typed by.
import { z } from 'zod';
import type { Answer, Endpoint, Operation } from './endpoint.ts';
import { EVENTS_PATH, gatewayEvent } from './gateway-event.ts';
import { problem } from './schema/answers.ts';
import { SCHEMAS } from './schema/fields.ts';

type Json = Readonly<Record<string, unknown>>;

const JSON_TYPE = 'application/json';

/** Answers that any endpoint with a lock may give. */
const REFUSALS: Readonly<Record<number, Answer>> = {
  401: { description: 'The bearer token is missing or wrong', schema: problem },
  403: { description: 'A page of another site asks, or one that came by a name of its own', schema: problem },
};

/** OpenAPI 3.1. `version`: of the gateway. */
export function openApi(endpoints: readonly Endpoint[], version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'sstp-gateway',
      version,
      description: 'The admin plane of an SSTP gateway. rx is what the gateway received from clients, tx what it sent.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: { ...Object.fromEntries(endpoints.map(endpoint => [endpoint.path, pathItem(endpoint)])), ...EVENTS },
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description:
            "What `admin.tokenFile` holds. Without one, whoever reaches the listener's loopback address may ask.",
        },
      },
      schemas: componentSchemas(),
    },
  };
}

/** The server holds the WebSocket itself: it is in no table. */
const EVENTS: Json = {
  [EVENTS_PATH]: {
    get: {
      summary: 'A WebSocket: each message is one Event as JSON',
      description:
        'A page, which cannot set a header, names the protocols `sstp.events` and `bearer.TOKEN`, the token percent-encoded.',
      operationId: 'getEvents',
      responses: {
        101: { description: 'The WebSocket is open' },
        426: { description: 'It was not asked for as a WebSocket' },
        ...responses(REFUSALS),
      },
      'x-messages': { $ref: reference(gatewayEvent) },
    },
  },
};

function pathItem({ path, open, operations }: Endpoint): Json {
  const [parameter] = /(?<=\{)\w+(?=\})/.exec(path) ?? [];
  return {
    ...(parameter === undefined
      ? {}
      : { parameters: [{ name: parameter, in: 'path', required: true, schema: { type: 'string' } }] }),
    ...Object.fromEntries(
      Object.entries(operations).map(([method, operation]) => [
        method.toLowerCase(),
        operationObject(operationId(method, path), operation, open === true),
      ]),
    ),
  };
}

function operationObject(id: string, { summary, parameters = {}, answers }: Operation, isOpen: boolean): Json {
  return {
    summary,
    operationId: id,
    ...(isOpen ? { security: [] } : {}),
    parameters: Object.entries(parameters).map(([name, { description, schema }]) => ({
      name,
      in: 'query',
      description,
      schema: alone(z.toJSONSchema(schema, { override: tidy })),
    })),
    responses: responses(isOpen ? answers : { ...answers, ...REFUSALS }),
  };
}

function responses(answers: Readonly<Record<number, Answer>>): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [
      status,
      { description: answer.description, content: contentOf(answer) },
    ]),
  );
}

function contentOf(answer: Answer): Json {
  if ('contentType' in answer) return { [answer.contentType]: {} };
  return { [JSON_TYPE]: { schema: { $ref: reference(answer.schema) } } };
}

/** `getSessionsIdCapture` */
function operationId(method: string, path: string): string {
  const words = path.replace('/api/v1', '').match(/\w+/g) ?? [];
  return method.toLowerCase() + words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function reference(schema: z.ZodType): string {
  const known = SCHEMAS.get(schema);
  if (known === undefined) throw new Error('a schema of the API has no name');
  return uri(known.id);
}

function uri(id: string): string {
  return `#/components/schemas/${id}`;
}

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(SCHEMAS, { uri, override: tidy });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, alone(schema)]));
}

/** As a part of this document, whose own dialect and address count. */
function alone({ $schema: _dialect, $id: _address, ...schema }: z.core.JSONSchema.BaseSchema): Json {
  return schema;
}

/** Without what says nothing to a reader. */
function tidy({ jsonSchema: schema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  // The pattern of a time is as long as a page.
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
}
