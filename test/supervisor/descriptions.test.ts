import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { Descriptions } from '../../src/supervisor/descriptions.ts';
import type { SessionDescription, SessionId, ToWorker } from '../../src/worker/messages.ts';

const DESCRIPTION = { queueBytes: 7 } as SessionDescription;

function asking() {
  const asked: { worker: number; message: Extract<ToWorker, { kind: 'describe' }> }[] = [];
  const descriptions = new Descriptions((worker, message) => {
    assert.equal(message.kind, 'describe');
    asked.push({ worker, message });
  });
  return { asked, descriptions };
}

describe('questions to workers', () => {
  test('get the answers that carry their number, in any order', async () => {
    const { asked, descriptions } = asking();
    const first = descriptions.ask(0, 11 as SessionId);
    const second = descriptions.ask(3, 22 as SessionId);
    assert.deepEqual(
      asked.map(({ worker, message }) => [worker, message.session]),
      [
        [0, 11],
        [3, 22],
      ],
    );
    descriptions.answer(asked[1]!.message.request, undefined);
    descriptions.answer(asked[0]!.message.request, DESCRIPTION);
    assert.equal(await first, DESCRIPTION);
    assert.equal(await second, undefined);
  });

  test('are given up after a second; a late answer is ignored', async context => {
    mock.timers.enable({ apis: ['setTimeout'] });
    context.after(() => mock.timers.reset());
    const { asked, descriptions } = asking();
    const question = descriptions.ask(0, 11 as SessionId);
    mock.timers.tick(1_000);
    assert.equal(await question, undefined);
    descriptions.answer(asked[0]!.message.request, DESCRIPTION);
    descriptions.answer(4711, DESCRIPTION);
  });
});
