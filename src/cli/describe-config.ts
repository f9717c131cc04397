import { X509Certificate } from 'node:crypto';
import type { UsersFile } from '../aaa/users.ts';
import { formatAddress } from '../config/address.ts';
import type { AddressRange, Config } from '../config/schema.ts';
import { formatIpv4 } from '../wire/ip.ts';

/** What a configuration comes to, in a few lines. No secrets. */
export function describeConfig(config: Config, users: UsersFile): string[] {
  const { network, tls } = config;
  const size = network.ipv4.pool.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return [
    `${config.file ?? 'embedded default'}: ok`,
    `  listen        ${config.listen.map(formatAddress).join(', ')}`,
    ...tls.certificates.map((certificate, index) => {
      const names = certificate.serverNames.length === 0 ? 'no name' : certificate.serverNames.join(', ');
      const until = new Date(new X509Certificate(certificate.cert).validTo).toISOString().slice(0, 10);
      return `  certificate   ${names}${index === 0 ? ' (default)' : ''}, valid until ${until}`;
    }),
    `  workers       ${config.workers}`,
    `  methods       ${config.ppp.auth.join(', ')}`,
    `  gateway       ${formatIpv4(network.ipv4.gateway)}`,
    `  pool          ${network.ipv4.pool.map(formatRange).join(', ')} (${size} addresses)`,
    `  users         ${users.size} in ${config.aaa.users}`,
    `  admin         http://${formatAddress(config.admin.listen)}${config.admin.token === undefined ? '' : ' (token)'}`,
  ];
}

function formatRange({ first, last }: AddressRange): string {
  return first === last ? formatIpv4(first) : `${formatIpv4(first)}-${formatIpv4(last)}`;
}
