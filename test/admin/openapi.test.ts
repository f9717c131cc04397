// The description of the API against the table that it describes. That answers are what it says is tested with a real gateway.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ENDPOINTS } from '../../src/admin/endpoints.ts';
import { openApi } from '../../src/admin/openapi.ts';
import { Routes } from '../../src/admin/routes.ts';
import { FakeGateway } from './fake-gateway.ts';

interface OperationObject {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}
/** Beside the operations there may be the path's own parameters. */
type PathItem = Readonly<Record<string, OperationObject>>;

/** One that each parameter accepts. */
const SAMPLES: Readonly<Record<string, string>> = {
  since: '2026-01-31T12:00:00Z',
  end: 'true',
  state: 'up',
  worker: '0',
  sort: '-txRate',
  offset: '0',
  limit: '10',
  seconds: '1',
  bytes: '4096',
  packets: '1',
  snaplen: '64',
  auth: 'true',
};

describe('the description of the API', () => {
  const routes = new Routes({ view: new FakeGateway(), token: undefined });
  const ask = (method: string, path: string, query = '') =>
    routes.respond({ method, path, query, host: 'localhost', authorization: '', origin: '', remoteAddress: '' });
  const described = openApi(ENDPOINTS, '1.2.3') as { paths: Readonly<Record<string, PathItem>>; info: object };

  test('is valid OpenAPI 3.1', async () => {
    // It resolves references in place, and so on a copy.
    const { errors, valid } = await new Validator().validate(structuredClone(described));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal((described as unknown as { openapi: string }).openapi, '3.1.0');
    assert.equal((described.info as { version: string }).version, '1.2.3');
  });

  test('is served', async () => {
    const { body, contentType, status } = await ask('GET', '/api/v1/openapi.json');
    assert.equal(status, 200);
    assert.match(contentType, /^application\/json/);
    const served = JSON.parse(body as string) as typeof described;
    assert.deepEqual(served.paths, JSON.parse(JSON.stringify(described.paths)));
    assert.equal((served.info as { version: string }).version, '9.9.9');
  });

  test('names every endpoint of the table with every method, and beside them only the WebSocket', () => {
    const inTable = ENDPOINTS.flatMap(({ path, operations }) => Object.keys(operations).map(name => `${name} ${path}`));
    const inDocument = Object.entries(described.paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter(name => name !== 'parameters')
        .map(name => `${name.toUpperCase()} ${path}`),
    );
    assert.deepEqual(inDocument.toSorted(), [...inTable, 'GET /api/v1/events'].toSorted());
  });

  test('names each operation once, and says which need no token', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    const open = operations().filter(({ operation }) => operation.security?.length === 0);
    assert.deepEqual(
      open.map(({ path }) => path),
      ['/healthz', '/readyz'],
    );
    for (const { operation, path } of operations()) {
      assert.equal('401' in operation.responses, !open.some(other => other.path === path), path);
    }
  });

  test('points only at schemas that it has', () => {
    const text = JSON.stringify(described);
    const { schemas } = (described as unknown as { components: { schemas: object } }).components;
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    assert.ok(references.length > 20);
    for (const reference of references) {
      assert.ok(Object.hasOwn(schemas, reference!.replace('#/components/schemas/', '')), reference);
    }
  });

  for (const { path, item } of operationsWithParameters()) {
    for (const [method, operation] of item) {
      test(`${method.toUpperCase()} ${path} takes the parameters that are described, and no others`, async () => {
        const concrete = path.replace('{id}', 'nobody');
        for (const { name } of operation.parameters ?? []) {
          const { status } = await ask(method.toUpperCase(), concrete, `${name}=${SAMPLES[name] ?? 'x'}`);
          assert.notEqual(status, 400, name);
        }
        assert.equal((await ask(method.toUpperCase(), concrete, 'nonsense=1')).status, 400);
        assert.ok('400' in operation.responses);
      });
    }
  }

  function operations() {
    return Object.entries(described.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([name]) => name !== 'parameters')
        .map(([, operation]) => ({ path, operation })),
    );
  }

  function operationsWithParameters() {
    return Object.entries(described.paths)
      .map(([path, item]) => ({
        path,
        item: Object.entries(item).filter(
          ([name, { parameters = [] }]) => name !== 'parameters' && parameters.length > 0,
        ),
      }))
      .filter(({ item }) => item.length > 0);
  }
});
