import { isReadableByOthers } from '../config/certificates.ts';
import { ConfigError } from '../config/config-error.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { chapMd5 } from '../crypto/chap-md5.ts';
import { equal } from '../crypto/constant-time.ts';
import { hlakFromMsChapV2, ZERO_HLAK } from '../crypto/crypto-binding.ts';
import { authenticatorResponse, matchNtResponse, ntPasswordHash, withoutDomain } from '../crypto/ms-chap-v2.ts';
import { randomBytes } from '../crypto/random.ts';
import type { Credentials } from '../protocol/ppp/credentials.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { readUsers, type UserRecord } from './user-record.ts';

export type { UserRecord } from './user-record.ts';

/** For the log and the counters. The client is told one and the same code for all of them. */
type RejectReason = 'unknown-user' | 'wrong-password' | 'disabled' | 'method-not-possible';

export type Decision =
  | {
      readonly kind: 'accepted';
      /** 32 bytes; zero for the methods that make no keys. */
      readonly hlak: Uint8Array;
      /** Text for the client: `S=... M=...` for MS-CHAPv2. */
      readonly message: string;
      readonly user: UserRecord;
    }
  | { readonly kind: 'rejected'; readonly reason: RejectReason };

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
    const source = YamlSource.read(file);
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
    this.#nobody = {
      name: '',
      ntHash: ntPasswordHash(password),
      password,
      ipv4: undefined,
      maxSessions: Infinity,
      rate: undefined,
      disabled: true,
    };
  }

  get size(): number {
    return this.#users.size;
  }

  /** Addresses that belong to a user and must not be leased to another one. */
  staticAddresses(): number[] {
    return [...this.#users.values()].flatMap(({ ipv4 }) => (ipv4 === undefined ? [] : [ipv4]));
  }

  /** @throws ConfigError when a user owns an address that is taken by the gateway itself. */
  requireFree(file: string, gateway: number): void {
    const owner = [...this.#users.values()].find(user => user.ipv4 === gateway);
    if (owner === undefined) return;
    const message = `user "${owner.name}" has the gateway's own address ${formatIpv4(gateway)}`;
    throw new ConfigError(file, [{ line: 0, key: '', message }]);
  }

  /**
   * Checks what a client claims. `DOMAIN\name` is looked up as it stands, then as `name`. Takes as long for a user who
   * is not there as for one who is; says nothing about which part was wrong before the password is proved.
   */
  decide(credentials: Credentials): Decision {
    const { user: claimed } = credentials;
    const record = this.#users.get(claimed) ?? this.#users.get(withoutDomain(claimed));
    const proof = prove(credentials, record ?? this.#nobody);
    if (record === undefined) return { kind: 'rejected', reason: 'unknown-user' };
    if (record.disabled) return { kind: 'rejected', reason: 'disabled' };
    if (proof === 'not-possible') return { kind: 'rejected', reason: 'method-not-possible' };
    if (proof === 'wrong') return { kind: 'rejected', reason: 'wrong-password' };
    return { kind: 'accepted', user: record, ...proof };
  }
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
