// Recent events. They may come by the hundreds in a second: the newest few are drawn, once a frame.
import { byId, element, setText } from './dom.ts';
import { describeEvent, type EventText, type FeedEvent } from './event-text.ts';
import { formatClock } from './format.ts';
import { sessionHash } from './route.ts';
import { type Row, RowList } from './row-list.ts';

/** Kept of each kind, problems and the rest: a rush of sessions does not push out what went wrong. */
const KEPT = 100;
const SHOWN_AT_FIRST = 12;

interface Entry extends EventText {
  readonly at: string;
  readonly number: number;
}

export class EventPanel {
  readonly #rows = new RowList<Entry>(byId('events'), { key: ({ number }) => String(number), create: createEntry });
  readonly #more = byId('events-more', HTMLButtonElement);
  readonly #announcer = byId('announcer');
  #problems: Entry[] = [];
  #others: Entry[] = [];
  #count = 0;
  #onlyProblems = false;
  #isLong = false;
  #isPending = false;

  constructor() {
    byId('events-which').addEventListener('change', ({ target }) => {
      this.#onlyProblems = (target as HTMLInputElement).value === 'problems';
      this.#draw();
    });
    this.#more.addEventListener('click', () => {
      this.#isLong = !this.#isLong;
      this.#draw();
    });
  }

  add(event: FeedEvent): void {
    const entry = { ...describeEvent(event), at: event.at, number: ++this.#count };
    if (entry.tone === 'bad' || entry.tone === 'warning') this.#problems = [entry, ...this.#problems].slice(0, KEPT);
    else this.#others = [entry, ...this.#others].slice(0, KEPT);
    // A screen reader hears of what needs somebody, not of every session.
    if (entry.tone === 'bad') setText(this.#announcer, `${entry.title}. ${entry.detail}`);
    if (this.#isPending) return;
    this.#isPending = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#isPending = false;
    const all = this.#onlyProblems
      ? this.#problems
      : [...this.#problems, ...this.#others].toSorted((a, b) => b.number - a.number);
    const shown = all.slice(0, this.#isLong ? KEPT : SHOWN_AT_FIRST);
    this.#rows.show(shown);
    byId('events-empty').hidden = shown.length > 0;
    this.#more.hidden = all.length <= SHOWN_AT_FIRST;
    setText(this.#more, this.#isLong ? 'Show fewer' : 'Show more');
  }
}

/** What has happened does not change: a row is made and never shown anew. */
function createEntry({ at, tone, title, detail, session }: Entry): Row<Entry> {
  const name = session === undefined ? element('span', {}, title) : element('a', { href: sessionHash(session) }, title);
  name.classList.add('event-title');
  const root = element(
    'li',
    { 'data-tone': tone },
    element('time', { datetime: at, title: at }, formatClock(at)),
    name,
    element('span', { class: 'event-detail' }, detail),
  );
  return { root, show: () => undefined };
}
