import { isReadableByOthers } from '../config/certificates.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/schema.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { chapMd5 } from '../crypto/chap-md5.ts';
import { equal } from '../crypto/constant-time.ts';
import { hlakFromMsChapV2, ZERO_HLAK } from '../crypto/crypto-binding.ts';
import { authenticatorResponse, matchNtResponse, ntPasswordHash, withoutDomain } from '../crypto/ms-chap-v2.ts';
import { randomBytes } from '../crypto/random.ts';
import type { Credentials } from '../protocol/ppp/credentials.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import type { Decision } from './authority.ts';
import type { Reservations } from './session-attributes.ts';
import { misfits } from './user-misfits.ts';
import { readUsers, type UserRecord } from './user-record.ts';

const WELCOME = 'Welcome';

/** The users of one file. Immutable: a reload makes a new one. */
export class UsersFile {
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
  readonly #users: ReadonlyMap<string, UserRecord>;
  /** Stands in for a user who is not there, so that the answer takes as long. Nobody knows its password. */
  readonly #nobody: UserRecord;

  /** @throws ConfigError when the file cannot be used. */
  static load(file: string): UsersFile {
    const source = YamlSource.read(file, `sstp-gateway user add NAME --users ${file} begins one`);
    const warnings: string[] = [];
    const records = readUsers(source);
    if (records.length === 0) warnings.push(`${file}: there are no users: nobody can connect`);
    if (isReadableByOthers(file)) warnings.push(`${file}: the passwords can be read by every user of this machine`);
    return new UsersFile(records, warnings);
  }

  constructor(records: readonly UserRecord[], warnings: readonly string[] = []) {
    this.#users = new Map(records.map(record => [record.name, record]));
    this.warnings = warnings;
    const password = Buffer.from(randomBytes(16)).toString('hex');
    this.#nobody = { name: '', line: 0, ntHash: ntPasswordHash(password), password, disabled: true, attributes: {} };
  }

  get size(): number {
    return this.#users.size;
  }

  /** What belongs to a user and must not be leased to another one. */
  reservations(): Reservations {
    const ipv4: number[] = [];
    const prefixes: Ipv6Prefix[] = [];
    for (const { attributes } of this.#users.values()) {
      if (attributes.ipv4?.kind === 'fixed') ipv4.push(attributes.ipv4.address);
      for (const assignment of [attributes.ipv6Prefix, attributes.delegatedPrefix]) {
        if (assignment?.kind === 'fixed') prefixes.push(assignment.prefix);
      }
    }
    return { ipv4, prefixes };
  }

  /** @throws ConfigError when a user is to have what this network cannot give. */
  requireFits(file: string, network: Config['network']): void {
    const problems = [...this.#users.values()].flatMap(user =>
      misfits(user, network).map(message => ({ line: user.line, key: '', message: `user "${user.name}" ${message}` })),
    );
    if (problems.length > 0) throw new ConfigError(file, problems);
  }

  /**
   * Checks what a client claims. `DOMAIN\name` and `name@realm` are looked up as they stand, then as `name`. Takes as long for a user
   * who is not there as for one who is; says nothing about which part was wrong before the password is proved.
   */
  decide(credentials: Credentials): Decision {
    const record = this.#find(credentials.user);
    const proof = prove(credentials, record ?? this.#nobody);
    if (record === undefined) return { kind: 'rejected', reason: 'unknown-user' };
    if (record.disabled) return { kind: 'rejected', reason: 'disabled' };
    if (proof === 'not-possible') return { kind: 'rejected', reason: 'method-not-possible' };
    if (proof === 'wrong') return { kind: 'rejected', reason: 'wrong-password' };
    return { kind: 'accepted', user: record.name, attributes: record.attributes, ...proof };
  }

  #find(claimed: string): UserRecord | undefined {
    const name = withoutDomain(claimed);
    return this.#users.get(claimed) ?? this.#users.get(name) ?? this.#users.get(withoutRealm(name));
  }
}

/** `name@realm` without `@realm`. */
function withoutRealm(name: string): string {
  const at = name.lastIndexOf('@');
  return at < 0 ? name : name.slice(0, at);
}

type Proof = { readonly hlak: Uint8Array; readonly message: string } | 'wrong' | 'not-possible';

function prove(credentials: Credentials, record: UserRecord): Proof {
  if (credentials.kind === 'pap') {
    const isRight = equal(ntPasswordHash(credentials.password), record.ntHash);
    return isRight ? { hlak: ZERO_HLAK, message: WELCOME } : 'wrong';
  }
  if (credentials.kind === 'chap') {
    const secret = Buffer.from(record.password ?? '');
    const isRight = equal(chapMd5(credentials.id, secret, credentials.challenge), credentials.response);
    if (record.password === undefined) return 'not-possible';
    return isRight ? { hlak: ZERO_HLAK, message: WELCOME } : 'wrong';
  }
  if (credentials.kind === 'eap') return 'not-possible';
  const { ntResponse } = credentials;
  const exchange = matchNtResponse(record.ntHash, ntResponse, credentials);
  if (exchange === undefined) return 'wrong';
  return {
    hlak: hlakFromMsChapV2(record.ntHash, ntResponse),
    message: `${authenticatorResponse(record.ntHash, ntResponse, exchange)} M=${WELCOME}`,
  };
}
