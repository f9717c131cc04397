import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FIRST_SESSIONS, parseRoute, sessionHash, sessionsHash } from '../../src/dashboard/route.ts';

describe('the address of a view', () => {
  test('nothing is the overview, what is no route is none', () => {
    for (const hash of ['', '#', '#/']) assert.deepEqual(parseRoute(hash), { view: 'overview' });
    for (const hash of ['#main', '#/other', '#/sessions/a/b', '#/sessions/']) assert.equal(parseRoute(hash), undefined);
  });

  test('a list as it is first has no parameters', () => {
    assert.equal(sessionsHash(FIRST_SESSIONS), '#/sessions');
    assert.deepEqual(parseRoute('#/sessions'), { view: 'sessions', ...FIRST_SESSIONS });
  });

  test('a page that is no page is the first', () => {
    for (const page of ['0', '-1', 'x', '1.5', '1e99', '']) {
      const route = parseRoute(`#/sessions?page=${page}`);
      assert.deepEqual(route, { view: 'sessions', ...FIRST_SESSIONS }, page);
    }
  });

  test('every list and every session comes back as it was', () => {
    const query = fc.record({
      search: fc.string(),
      state: fc.string(),
      sort: fc.string(),
      page: fc.integer({ min: 1 }),
    });
    fc.assert(
      fc.property(query, wanted => {
        assert.deepEqual(parseRoute(sessionsHash(wanted)), { view: 'sessions', ...wanted });
      }),
    );
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), id => {
        assert.deepEqual(parseRoute(sessionHash(id)), { view: 'session', id });
      }),
    );
  });

  test('an id that is not properly encoded is taken as it stands', () => {
    assert.deepEqual(parseRoute('#/sessions/%zz'), { view: 'session', id: '%zz' });
  });
});
