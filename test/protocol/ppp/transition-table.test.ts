import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Event, State, transition } from '../../../src/protocol/ppp/transition-table.ts';

// RFC 1661 4.1 once more, copied column by column where the source has it row by row: for each state its events in the
// order of the table, as `event actions next-state`.
const COLUMNS: Readonly<Record<keyof typeof State, string>> = {
  Initial: `
    Up = Closed ; Open tls Starting ; Close = Initial`,
  Starting: `
    Up irc scr ReqSent ; Open = Starting ; Close tlf Initial`,
  Closed: `
    Down = Initial ; Open irc scr ReqSent ; Close = Closed
    RCR+ sta Closed ; RCR- sta Closed ; RCA sta Closed ; RCN sta Closed
    RTR sta Closed ; RTA = Closed
    RUC scj Closed ; RXJ+ = Closed ; RXJ- tlf Closed ; RXR = Closed`,
  Stopped: `
    Down tls Starting ; Open = Stopped ; Close = Closed
    RCR+ irc scr sca AckSent ; RCR- irc scr scn ReqSent ; RCA sta Stopped ; RCN sta Stopped
    RTR sta Stopped ; RTA = Stopped
    RUC scj Stopped ; RXJ+ = Stopped ; RXJ- tlf Stopped ; RXR = Stopped`,
  Closing: `
    Down = Initial ; Open = Stopping ; Close = Closing ; TO+ str Closing ; TO- tlf Closed
    RCR+ = Closing ; RCR- = Closing ; RCA = Closing ; RCN = Closing
    RTR sta Closing ; RTA tlf Closed
    RUC scj Closing ; RXJ+ = Closing ; RXJ- tlf Closed ; RXR = Closing`,
  Stopping: `
    Down = Starting ; Open = Stopping ; Close = Closing ; TO+ str Stopping ; TO- tlf Stopped
    RCR+ = Stopping ; RCR- = Stopping ; RCA = Stopping ; RCN = Stopping
    RTR sta Stopping ; RTA tlf Stopped
    RUC scj Stopping ; RXJ+ = Stopping ; RXJ- tlf Stopped ; RXR = Stopping`,
  ReqSent: `
    Down = Starting ; Open = ReqSent ; Close irc str Closing ; TO+ scr ReqSent ; TO- tlf Stopped
    RCR+ sca AckSent ; RCR- scn ReqSent ; RCA irc AckRcvd ; RCN irc scr ReqSent
    RTR sta ReqSent ; RTA = ReqSent
    RUC scj ReqSent ; RXJ+ = ReqSent ; RXJ- tlf Stopped ; RXR = ReqSent`,
  AckRcvd: `
    Down = Starting ; Open = AckRcvd ; Close irc str Closing ; TO+ scr ReqSent ; TO- tlf Stopped
    RCR+ sca tlu Opened ; RCR- scn AckRcvd ; RCA scr ReqSent ; RCN scr ReqSent
    RTR sta ReqSent ; RTA = ReqSent
    RUC scj AckRcvd ; RXJ+ = ReqSent ; RXJ- tlf Stopped ; RXR = AckRcvd`,
  AckSent: `
    Down = Starting ; Open = AckSent ; Close irc str Closing ; TO+ scr AckSent ; TO- tlf Stopped
    RCR+ sca AckSent ; RCR- scn ReqSent ; RCA irc tlu Opened ; RCN irc scr AckSent
    RTR sta ReqSent ; RTA = AckSent
    RUC scj AckSent ; RXJ+ = AckSent ; RXJ- tlf Stopped ; RXR = AckSent`,
  Opened: `
    Down tld Starting ; Open = Opened ; Close tld irc str Closing
    RCR+ tld scr sca AckSent ; RCR- tld scr scn ReqSent ; RCA tld scr ReqSent ; RCN tld scr ReqSent
    RTR tld zrc sta Stopping ; RTA tld scr ReqSent
    RUC scj Opened ; RXJ+ = Opened ; RXJ- tld irc str Stopping ; RXR ser Opened`,
};

const EVENTS: readonly Event[] = [
  'Up',
  'Down',
  'Open',
  'Close',
  'TO+',
  'TO-',
  'RCR+',
  'RCR-',
  'RCA',
  'RCN',
  'RTR',
  'RTA',
  'RUC',
  'RXJ+',
  'RXJ-',
  'RXR',
];

describe('the transition table is that of RFC 1661 4.1', () => {
  for (const [name, column] of Object.entries(COLUMNS)) {
    test(`state ${name}`, () => {
      const cells = new Map(column.split(/[;\n]/).map(cell => splitCell(cell.trim())));
      for (const event of EVENTS) {
        const found = transition(State[name as keyof typeof State], event);
        const text = found === undefined ? undefined : `${found.actions.join(' ') || '='} ${stateName(found.next)}`;
        assert.equal(text, cells.get(event), `${event} in ${name}`);
      }
    });
  }
});

function splitCell(cell: string): [string, string] {
  const space = cell.indexOf(' ');
  return [cell.slice(0, space), cell.slice(space + 1)];
}

function stateName(state: State): string | undefined {
  return Object.entries(State).find(([, number]) => number === state)?.[0];
}
