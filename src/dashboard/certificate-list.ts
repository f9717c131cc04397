import type { CertificateView } from '../admin/schema/status.ts';
import { element, setAttribute, setText } from './dom.ts';
import { formatDateTime, formatDuration } from './format.ts';
import { type Row, RowList } from './row-list.ts';

const DAY_MS = 86_400_000;
/** Automatic renewal has had its turn by then: Let's Encrypt's clients begin 30 days ahead. */
const WARNING_DAYS = 21;
const URGENT_DAYS = 7;

export class CertificateList {
  readonly #rows: RowList<CertificateView>;

  constructor(list: HTMLElement) {
    this.#rows = new RowList(list, { key: ({ sha256 }) => sha256, create: createRow });
  }

  show(certificates: readonly CertificateView[]): void {
    this.#rows.show(certificates);
  }
}

/** What the header says when certificates end soon; undefined while there is time. */
export function expiryWarning(certificates: readonly CertificateView[], now: number): string | undefined {
  const ending = certificates.filter(({ notAfter }) => toneOf(notAfter, now) !== 'good');
  if (ending.length === 0) return undefined;
  return ending.map(certificate => `The certificate of ${nameOf(certificate)} ${endOf(certificate, now)}.`).join(' ');
}

function createRow(): Row<CertificateView> {
  const name = element('span', { class: 'certificate-name' });
  const end = element('span', { class: 'tag' });
  const facts = element('span', { class: 'certificate-facts' });
  return {
    root: element('li', {}, name, end, facts),
    show: certificate => {
      const now = Date.now();
      setText(name, nameOf(certificate));
      setText(end, endOf(certificate, now));
      setAttribute(end, 'data-tone', toneOf(certificate.notAfter, now));
      setText(
        facts,
        `${certificate.keyType}, issued by ${certificate.issuer}, until ${formatDateTime(certificate.notAfter)}`,
      );
      setAttribute(facts, 'title', `SHA-256 ${certificate.sha256}`);
    },
  };
}

function nameOf({ serverNames, subject }: CertificateView): string {
  return serverNames.length === 0 ? subject : serverNames.join(', ');
}

function endOf({ notAfter }: CertificateView, now: number): string {
  const left = Date.parse(notAfter) - now;
  return left > 0 ? `ends in ${formatDuration(left / 1000)}` : `ended ${formatDuration(-left / 1000)} ago`;
}

function toneOf(notAfter: string, now: number): 'good' | 'warning' | 'bad' {
  const days = (Date.parse(notAfter) - now) / DAY_MS;
  if (days < URGENT_DAYS) return 'bad';
  return days < WARNING_DAYS ? 'warning' : 'good';
}
