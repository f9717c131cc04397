import { type KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateView } from '../admin/gateway-view.ts';
import type { ServerCertificate } from '../config/schema.ts';

/** Whoever watches the status asks again and again, and certificates are seldom new. */
const views = new WeakMap<ServerCertificate, CertificateView>();

/** What may be told about a certificate. */
export function certificateView(certificate: ServerCertificate): CertificateView {
  const known = views.get(certificate);
  if (known !== undefined) return known;
  const leaf = new X509Certificate(certificate.cert);
  const view: CertificateView = {
    serverNames: certificate.serverNames,
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    notBefore: new Date(leaf.validFrom).toISOString(),
    notAfter: new Date(leaf.validTo).toISOString(),
    sha256: leaf.fingerprint256,
    keyType: keyType(leaf.publicKey),
  };
  views.set(certificate, view);
  return view;
}

/** Node has each part of a name on a line of its own. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}

function keyType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {};
  return [asymmetricKeyType ?? 'unknown', modulusLength ?? namedCurve].filter(part => part !== undefined).join('-');
}
