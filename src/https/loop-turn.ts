/** Numbers the turns of this thread's event loop, for what is allowed once in each. It counts those turns only in which somebody asks. */
let turn = 0;
let isAsked = false;

function next(): void {
  isAsked = false;
  turn++;
}

/** The number of this turn: two calls give the same one if the event loop has not polled in between. */
export function loopTurn(): number {
  if (!isAsked) {
    isAsked = true;
    setImmediate(next);
  }
  return turn;
}
