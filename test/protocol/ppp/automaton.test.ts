import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Automaton, type AutomatonOutput, DEFAULT_RESTART } from '../../../src/protocol/ppp/automaton.ts';
import { State } from '../../../src/protocol/ppp/transition-table.ts';

describe('Restart timer and counter', () => {
  test('Configure-Request is sent ten times, three seconds apart, and then the layer is finished', () => {
    const { automaton, log } = started();
    const times: number[] = [];
    while (automaton.deadline < Number.POSITIVE_INFINITY) {
      times.push(automaton.deadline);
      automaton.handleTimeout(automaton.deadline);
    }
    assert.deepEqual(
      times,
      [3, 6, 9, 12, 15, 18, 21, 24, 27, 30].map(seconds => seconds * 1000),
    );
    assert.deepEqual(log, [...Array.from({ length: 10 }, () => 'scr'), 'tlf']);
    assert.equal(automaton.state, State.Stopped);
  });

  test('the first Configure-Request can have a shorter timer, all others have the usual one', () => {
    const { automaton } = started({ firstRestartMs: 750 });
    assert.equal(automaton.deadline, 750);
    automaton.handleTimeout(750);
    assert.equal(automaton.deadline, 3750);
  });

  test('a Nak starts the count of Configure-Requests anew', () => {
    const { automaton, log } = started();
    for (let lost = 0; lost < 9; lost++) automaton.handleTimeout(automaton.deadline);
    automaton.fire('RCN', 27_500);
    log.length = 0;
    while (automaton.deadline < Number.POSITIVE_INFINITY) automaton.handleTimeout(automaton.deadline);
    assert.deepEqual(log, [...Array.from({ length: 9 }, () => 'scr'), 'tlf']);
  });

  test('Terminate-Request is sent twice, one second apart, and then the layer is finished', () => {
    const { automaton, log } = started();
    log.length = 0;
    automaton.fire('Close', 100);
    assert.equal(automaton.deadline, 1100);
    automaton.handleTimeout(1100);
    assert.equal(automaton.deadline, 2100);
    automaton.handleTimeout(2100);
    assert.deepEqual(log, ['str', 'str', 'tlf']);
    assert.equal(automaton.state, State.Closed);
    assert.equal(automaton.deadline, Number.POSITIVE_INFINITY);
  });

  test('a terminated layer waits one period before it is finished, without sending', () => {
    const { automaton, log } = opened();
    automaton.fire('RTR', 5000);
    assert.deepEqual(log, ['tld', 'sta']);
    assert.equal(automaton.deadline, 6000);
    automaton.handleTimeout(6000);
    assert.deepEqual(log, ['tld', 'sta', 'tlf']);
    assert.equal(automaton.state, State.Stopped);
  });

  test('the timer runs on over a received Ack, and stops when the layer is opened', () => {
    const { automaton } = started();
    automaton.fire('RCA', 1000);
    assert.equal(automaton.deadline, 3000);
    automaton.fire('RCR+', 2000);
    assert.equal(automaton.state, State.Opened);
    assert.equal(automaton.deadline, Number.POSITIVE_INFINITY);
  });

  test('a call before the deadline changes nothing', () => {
    const { automaton, log } = started();
    automaton.handleTimeout(2999);
    assert.deepEqual(log, ['scr']);
    assert.equal(automaton.deadline, 3000);
  });

  test('an event that cannot occur changes nothing', () => {
    const { automaton, log } = started();
    automaton.fire('Up', 10);
    assert.equal(automaton.state, State.ReqSent);
    assert.deepEqual(log, ['scr']);
  });
});

function started(restart = {}): { automaton: Automaton; log: string[] } {
  const log: string[] = [];
  const note = (action: string) => () => {
    log.push(action);
  };
  const output: AutomatonOutput = {
    thisLayerUp: note('tlu'),
    thisLayerDown: note('tld'),
    thisLayerFinished: note('tlf'),
    sendConfigureRequest: note('scr'),
    sendConfigureAck: note('sca'),
    sendConfigureNakOrReject: note('scn'),
    sendTerminateRequest: note('str'),
    sendTerminateAck: note('sta'),
    sendCodeReject: note('scj'),
    sendEchoReply: note('ser'),
  };
  const automaton = new Automaton(output, { ...DEFAULT_RESTART, ...restart });
  automaton.fire('Open', 0);
  automaton.fire('Up', 0);
  return { automaton, log };
}

function opened(): { automaton: Automaton; log: string[] } {
  const { automaton, log } = started();
  automaton.fire('RCR+', 0);
  automaton.fire('RCA', 0);
  assert.equal(automaton.state, State.Opened);
  log.length = 0;
  return { automaton, log };
}
