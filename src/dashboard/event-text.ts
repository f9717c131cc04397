// What an event says to a person.
import type { GatewayEvent } from '../admin/gateway-event.ts';
import { formatBytes, formatDuration } from './format.ts';

/** Told by the connection itself: how many events this reader was too slow for. */
interface MissedEvents {
  readonly type: 'missed';
  readonly at: string;
  readonly count: number;
}

export type FeedEvent = GatewayEvent | MissedEvents;

export interface EventText {
  readonly tone: 'good' | 'quiet' | 'warning' | 'bad';
  readonly title: string;
  readonly detail: string;
  /** Of the session that it is about, while there is one. */
  readonly session?: string;
}

export function describeEvent(event: FeedEvent): EventText {
  switch (event.type) {
    case 'session-up':
      return {
        tone: 'good',
        title: `${event.session.user} connected`,
        detail: `${event.session.ipv4 ?? event.session.ipv6 ?? ''} from ${event.session.remoteAddress}`.trim(),
        session: event.session.id,
      };
    case 'session-down': {
      const { user, upAt, rxBytes, txBytes } = event.session;
      const seconds = upAt === null ? null : (Date.parse(event.at) - Date.parse(upAt)) / 1000;
      return {
        tone: 'quiet',
        title: `${user} disconnected`,
        detail: `${event.cause} (${event.reason}) after ${formatDuration(seconds)}, ${formatBytes(txBytes)} down, ${formatBytes(rxBytes)} up`,
      };
    }
    case 'refused':
      return { tone: 'warning', title: 'Connection refused', detail: `${event.reason}, ${event.remoteAddress}` };
    case 'auth-refused':
      return {
        tone: 'warning',
        title: `${event.user === '' ? 'A client' : event.user} was not let in`,
        detail: `${event.reason} (${event.method}), ${event.remoteAddress}`,
      };
    case 'suppressed':
      return {
        tone: 'warning',
        title: `${event.count} more ${event.event === 'refused' ? 'connections refused' : 'clients not let in'}`,
        detail: event.reason,
      };
    case 'worker-lost':
      return {
        tone: 'bad',
        title: `Worker ${event.worker} was lost`,
        detail: `${event.sessions} sessions ended: ${event.error}`,
      };
    case 'worker-ready':
      return { tone: 'good', title: `Worker ${event.worker} is ready`, detail: '' };
    case 'reload':
      return event.ok
        ? {
            tone: 'good',
            title: 'Configuration reloaded',
            detail: event.needsRestart.length === 0 ? '' : `needs a restart: ${event.needsRestart.join(', ')}`,
          }
        : { tone: 'bad', title: 'Reload failed, nothing was changed', detail: event.problems.join('; ') };
    case 'capture':
      return {
        tone: 'warning',
        title: `Capture of ${event.user} ${event.phase}`,
        detail:
          event.phase === 'started'
            ? `by ${event.by}, ${event.auth ? 'with' : 'without'} authentication`
            : `by ${event.by}: ${event.reason}`,
      };
    case 'drain':
      return { tone: 'warning', title: 'Draining', detail: 'no new tunnels are taken' };
    case 'missed':
      return { tone: 'warning', title: `${event.count} events are missing`, detail: 'this page was too slow for them' };
    default:
      // A gateway that is newer than a page left open.
      return { tone: 'quiet', title: (event as { type: string }).type, detail: '' };
  }
}
