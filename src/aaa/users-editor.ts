// Changes a users file as its owner would by hand: comments and the order of users stay.
import { existsSync, realpathSync } from 'node:fs';
import { isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';
import { ConfigError, fileProblem } from '../config/config-error.ts';
import { writePrivateFile } from '../config/private-file.ts';
import { YamlSource } from '../config/yaml-source.ts';
import { ntPasswordHash } from '../crypto/ms-chap-v2.ts';
import { readUsers, type UserRecord } from './user-record.ts';

export interface NewUser {
  readonly name: string;
  readonly password: string;
  /** Other keys of the entry, with values as they are to stand in the file. Those that are undefined are left out. */
  readonly settings?: Readonly<Record<string, string | number | undefined>> | undefined;
}

export class UsersEditor {
  readonly #file: string;
  readonly #source: YamlSource;

  /** A file that is not there yet is begun. @throws ConfigError when there is one that cannot be used. */
  static open(file: string): UsersEditor {
    const source = existsSync(file) ? YamlSource.read(file) : new YamlSource(file, '');
    readUsers(source);
    return new UsersEditor(file, source);
  }

  private constructor(file: string, source: YamlSource) {
    this.#file = file;
    this.#source = source;
  }

  users(): UserRecord[] {
    return readUsers(this.#source);
  }

  /** False when there is a user of this name. */
  add({ name, password, settings = {} }: NewUser): boolean {
    if (this.#entry(name) !== undefined) return false;
    const entry = { name, ntHash: hexHash(password), ...settings };
    this.#list().add(this.#source.document.createNode(entry, { keepUndefined: false }));
    return true;
  }

  /** Replaces the password, or the hash, by the hash of the new one. False when there is no such user. */
  setPassword(name: string, password: string): boolean {
    const entry = this.#entry(name);
    if (entry === undefined) return false;
    for (const pair of entry.items) if (isScalar(pair.key) && pair.key.value === 'password') pair.key.value = 'ntHash';
    entry.set('ntHash', hexHash(password));
    return true;
  }

  /** False when there is no such user. */
  remove(name: string): boolean {
    const list = this.#list();
    const index = list.items.findIndex(item => isMap(item) && item.get('name') === name);
    return index >= 0 && list.delete(index);
  }

  /** Writes the file, 0600, in one step. @throws ConfigError, and the file is as before. */
  save(): void {
    const text = this.#source.document.toString({ lineWidth: 0 });
    // What would be refused at the next start is refused now.
    readUsers(new YamlSource(this.#file, text));
    try {
      writePrivateFile(existsSync(this.#file) ? realpathSync(this.#file) : this.#file, text);
    } catch (error) {
      throw new ConfigError(this.#file, [{ line: 0, key: '', message: `cannot be written: ${fileProblem(error)}` }]);
    }
  }

  #list(): YAMLSeq {
    const { document } = this.#source;
    if (!isSeq(document.contents)) document.contents = document.createNode([]);
    return document.contents;
  }

  #entry(name: string): YAMLMap | undefined {
    const item = this.#list().items.find(candidate => isMap(candidate) && candidate.get('name') === name);
    return isMap(item) ? item : undefined;
  }
}

function hexHash(password: string): string {
  return Buffer.from(ntPasswordHash(password)).toString('hex');
}
