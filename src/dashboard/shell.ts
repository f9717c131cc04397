// What stands around the views: who the gateway is, how it is, and whether it answers at all.
import { expiryWarning } from './certificate-list.ts';
import type { StatusView } from '../admin/schema/status.ts';
import { byId, setAttribute, setText } from './dom.ts';
import { formatClock, formatDuration } from './format.ts';

export class Shell {
  #lastAnswer: number | undefined;

  show(status: StatusView): void {
    this.#lastAnswer = Date.now();
    setText(byId('node'), status.node);
    setText(
      byId('facts'),
      `Version ${status.version}, up ${formatDuration(status.uptime)}, network ${status.network.mode}, on ${status.listen.join(', ')}`,
    );
    byId('drain', HTMLButtonElement).disabled = status.draining;
    const { ready, reasons } = status.ready;
    if (status.draining) this.#showState('Draining', 'warning');
    else this.#showState(ready ? 'Ready' : 'Not ready', ready ? 'good' : 'bad');
    notice('unready', ready ? undefined : `Not ready: ${reasons.join('; ')}.`);
    notice('expiry', expiryWarning(status.certificates, Date.now()));
    setAttribute(document.body, 'data-stale', undefined);
  }

  /** All that was asked for was answered. */
  showWell(): void {
    notice('lost', undefined);
  }

  showLost(): void {
    const since = this.#lastAnswer === undefined ? '' : ` since ${formatClock(this.#lastAnswer)}`;
    this.#showState('No answer', 'bad');
    notice('lost', `The gateway does not answer${since}. What is shown is old; the page keeps asking.`);
    setAttribute(document.body, 'data-stale', '');
  }

  /** The gateway answers, but what is shown could not be had. */
  showFault(message: string): void {
    notice('lost', message);
  }

  showSignedOut(): void {
    this.#showState('Signed out', 'quiet');
    for (const id of ['lost', 'unready', 'expiry']) notice(id, undefined);
  }

  #showState(text: string, tone: string): void {
    setText(byId('state'), text);
    setAttribute(byId('state'), 'data-tone', tone);
  }
}

function notice(id: string, text: string | undefined): void {
  const place = byId(id);
  place.hidden = text === undefined;
  setText(place, text ?? '');
}
