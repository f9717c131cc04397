// One look at a gateway, and what two of them tell together.
import type { SessionView, StatusView } from '../../admin/gateway-view.ts';

/** What a gateway answered at one moment. */
export interface Answers {
  /** Milliseconds, on a clock that is never set. */
  readonly at: number;
  readonly status: StatusView;
  readonly sessions: readonly SessionView[];
}

export interface Look extends Answers {
  /** Of all sessions, whichever were asked for; bits per second, null until two looks. */
  readonly rxRate: number | null;
  readonly txRate: number | null;
  /** Connections that never became a session, for each second; null until two looks. */
  readonly refusalRate: number | null;
}

/** Rates are of the time since the look before; the gateway's own stand in for them on a session that it did not show. */
export function look(answers: Answers, before: Look | undefined): Look {
  const seconds = before === undefined ? 0 : (answers.at - before.at) / 1000;
  if (before === undefined || seconds <= 0) return { ...answers, rxRate: null, txRate: null, refusalRate: null };
  const known = new Map(before.sessions.map(session => [session.id, session]));
  const sessions = answers.sessions.map(session => {
    const earlier = known.get(session.id);
    if (earlier === undefined) return session;
    const rxRate = bitRate(session.rxBytes - earlier.rxBytes, seconds);
    const txRate = bitRate(session.txBytes - earlier.txBytes, seconds);
    return { ...session, rxRate, txRate };
  });
  const refusals = refusalCount(answers.status) - refusalCount(before.status);
  const { traffic } = answers.status;
  return {
    ...answers,
    sessions,
    rxRate: bitRate(traffic.rxBytes - before.status.traffic.rxBytes, seconds),
    txRate: bitRate(traffic.txBytes - before.status.traffic.txBytes, seconds),
    refusalRate: Math.max(0, refusals) / seconds,
  };
}

/** Counters that went back are those of a gateway that was restarted. */
function bitRate(bytes: number, seconds: number): number {
  return Math.max(0, bytes * 8) / seconds;
}

function refusalCount({ counters }: StatusView): number {
  return Object.values(counters.refusals).reduce((sum, count) => sum + count, 0);
}
