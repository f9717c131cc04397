// The state transition table of RFC 1661 4.1, in its own notation: one row per event, one cell per state 0 to 9, each cell
// `actions/next-state`. Marks: `-` cannot occur, `p` passive option, `r` restart option, `x` crossed connection. The
// options are not used here, so the marks are read over; they stay to keep the table comparable with the RFC's.

/** RFC 1661 4.2. The numbers are those of the table's columns. */
export const State = {
  Initial: 0,
  Starting: 1,
  Closed: 2,
  Stopped: 3,
  Closing: 4,
  Stopping: 5,
  ReqSent: 6,
  AckRcvd: 7,
  AckSent: 8,
  Opened: 9,
} as const;
export type State = (typeof State)[keyof typeof State];

const ROWS = {
  //       Initial  Starting   Closed Stopped       Closing Stopping Req-Sent   Ack-Rcvd   Ack-Sent   Opened
  Up: '2       irc,scr/6  -      -             -       -        -          -          -          -              ',
  Down: '-       -          0      tls/1         0       1        1          1          1          tld/1          ',
  Open: 'tls/1   1          irc,scr/6 3r         5r      5r       6          7          8          9r             ',
  Close: '0       tlf/0      2      2             4       4        irc,str/4  irc,str/4  irc,str/4  tld,irc,str/4  ',
  'TO+': '-       -          -      -             str/4   str/5    scr/6      scr/6      scr/8      -              ',
  'TO-': '-       -          -      -             tlf/2   tlf/3    tlf/3p     tlf/3p     tlf/3p     -              ',
  'RCR+': '-       -          sta/2  irc,scr,sca/8 4       5        sca/8      sca,tlu/9  sca/8      tld,scr,sca/8  ',
  'RCR-': '-       -          sta/2  irc,scr,scn/6 4       5        scn/6      scn/7      scn/6      tld,scr,scn/6  ',
  RCA: '-       -          sta/2  sta/3         4       5        irc/7      scr/6x     irc,tlu/9  tld,scr/6x     ',
  RCN: '-       -          sta/2  sta/3         4       5        irc,scr/6  scr/6x     irc,scr/8  tld,scr/6x     ',
  RTR: '-       -          sta/2  sta/3         sta/4   sta/5    sta/6      sta/6      sta/6      tld,zrc,sta/5  ',
  RTA: '-       -          2      3             tlf/2   tlf/3    6          6          8          tld,scr/6      ',
  RUC: '-       -          scj/2  scj/3         scj/4   scj/5    scj/6      scj/7      scj/8      scj/9          ',
  'RXJ+': '-       -          2      3             4       5        6          6          8          9              ',
  'RXJ-': '-       -          tlf/2  tlf/3         tlf/2   tlf/3    tlf/3      tlf/3      tlf/3      tld,irc,str/5  ',
  RXR: '-       -          2      3             4       5        6          7          8          ser/9          ',
} as const;

/** RFC 1661 4.3. */
export type Event = keyof typeof ROWS;

const ACTIONS = ['tlu', 'tld', 'tls', 'tlf', 'irc', 'zrc', 'scr', 'sca', 'scn', 'str', 'sta', 'scj', 'ser'] as const;
/** RFC 1661 4.4. */
export type Action = (typeof ACTIONS)[number];

export interface Transition {
  /** In the order in which the table names them. */
  readonly actions: readonly Action[];
  readonly next: State;
}

const TABLE = new Map<Event, readonly (Transition | undefined)[]>(
  (Object.keys(ROWS) as Event[]).map(event => [event, ROWS[event].trim().split(/\s+/).map(parseCell)]),
);

/** Undefined for an event that cannot occur in this state. */
export function transition(state: State, event: Event): Transition | undefined {
  return TABLE.get(event)?.[state];
}

function parseCell(cell: string): Transition | undefined {
  if (cell === '-') return undefined;
  const [next = '', actions = ''] = cell.split('/').toReversed();
  return {
    actions: actions === '' ? [] : actions.split(',').map(parseAction),
    next: Number.parseInt(next, 10) as State,
  };
}

function parseAction(word: string): Action {
  const action = ACTIONS.find(candidate => candidate === word);
  if (action === undefined) throw new Error(`no such action in RFC 1661 4.4: ${word}`);
  return action;
}
