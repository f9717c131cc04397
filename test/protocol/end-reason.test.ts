import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accountingCause, isFault, type TunnelEndReason } from '../../src/protocol/end-reason.ts';

describe('the reason why a tunnel ended', () => {
  const examples: readonly (readonly [TunnelEndReason, string, boolean])[] = [
    ['peer-disconnect', 'User-Request', false],
    ['peer-terminate', 'User-Request', false],
    ['connection-fin', 'Lost-Carrier', false],
    ['hello-timeout', 'Lost-Carrier', false],
    ['echo-timeout', 'Lost-Carrier', false],
    ['admin', 'Admin-Reset', false],
    ['drain', 'NAS-Reboot', false],
    ['worker-lost', 'NAS-Error', true],
    ['delineation', 'User-Error', true],
    ['binding-mac', 'User-Error', true],
    ['auth-failed', 'User-Error', false],
  ];
  for (const [reason, cause, fault] of examples) {
    test(`${reason} is accounted as ${cause} and is ${fault ? 'a' : 'no'} fault`, () => {
      assert.equal(accountingCause(reason), cause);
      assert.equal(isFault(reason), fault);
    });
  }
});
