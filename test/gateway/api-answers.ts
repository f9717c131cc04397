/** What an API says of its own answers, and whether they keep to it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { GatewayProcess } from './gateway-process.ts';

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema?: { readonly $ref: string } }>> }>
  >;
}

const DOCUMENT = 'openapi.json';
/** As Date makes them. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export class ApiAnswers {
  readonly #admin: string;
  readonly #description: Description;
  readonly #ajv: Ajv2020;
  readonly #seen = new Set<string>();

  static async of({ admin }: GatewayProcess): Promise<ApiAnswers> {
    const response = await fetch(`${admin}/api/v1/openapi.json`);
    return new ApiAnswers(admin, (await response.json()) as Description);
  }

  private constructor(admin: string, description: Description) {
    this.#admin = admin;
    this.#description = description;
    this.#ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': TIME } });
    // A document of OpenAPI is no schema, but holds some.
    this.#ajv.addVocabulary(['openapi', 'info', 'servers', 'security', 'paths', 'components']);
    this.#ajv.addSchema(description, DOCUMENT);
  }

  /** `GET /path -> 200`, for each answer that was seen. */
  get seen(): ReadonlySet<string> {
    return this.#seen;
  }

  /** Asks, and judges the answer. @throws when it is not as it is described */
  async ask(method: string, path: string, variable = '', query = '', headers = {}): Promise<unknown> {
    const url = this.#admin + path.replace(/\{\w+\}/, encodeURIComponent(variable)) + query;
    const response = await fetch(url, { method, headers });
    const { status } = response;
    const described = this.#description.paths[path]?.[method.toLowerCase()]?.responses[status];
    if (described === undefined) throw new Error(`${method} ${path} answers ${status}, which is not described`);
    this.#seen.add(`${method} ${path} -> ${status}`);
    const [[type, { schema }] = ['', {}]] = Object.entries(described.content);
    const given = response.headers.get('content-type') ?? '';
    if (!given.startsWith(type)) throw new Error(`${method} ${path} answers ${given} and not ${type}`);
    if (schema === undefined) return response.text();
    const value: unknown = await response.json();
    this.judge(schema.$ref, value, `${method} ${path} -> ${status}`);
    return value;
  }

  /** @throws when the value is not one of the schema */
  judge(reference: string, value: unknown, what: string): void {
    const validate = this.#ajv.getSchema(`${DOCUMENT}${reference}`) as ValidateFunction | undefined;
    if (validate === undefined) throw new Error(`there is no ${reference}`);
    if (!validate(value)) throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)}`);
  }
}
