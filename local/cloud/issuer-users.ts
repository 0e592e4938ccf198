import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from "node:crypto";
import type { Records } from "../records.ts";

/** Somebody who can sign in. */
export interface IssuerUser {
  readonly sub: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  /** E.164, e.g. `+8613800000000`. */
  readonly phoneNumber?: string;
  readonly phoneNumberVerified?: boolean;
}

/** Why nobody was registered. */
export type RegistrationFault = "bad-username" | "short-password" | "username-taken";

export interface IssuerUsers {
  find(sub: unknown): IssuerUser | undefined;
  /** By e-mail address or phone number. Undefined when there is no such user, or the password is another. */
  signIn(username: string, password: string): IssuerUser | undefined;
  /** Both are believed at once: there is nobody to read a code on this machine. */
  register(username: string, password: string): IssuerUser | RegistrationFault;
}

interface StoredUser extends IssuerUser {
  readonly password?: { readonly salt: string; readonly hash: string } | undefined;
}

const KIND = "issuer-user";
const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@]{2,}$/;
const PHONE_NUMBER = /^\+[1-9]\d{6,14}$/; // E.164

/** Those that the issuer starts with, with or without a password, and those who registered, who are kept. */
export function issuerUsers(records: Records, given: readonly (IssuerUser & { readonly password?: string })[], passwordLength: number): IssuerUsers {
  const known = given.map(({ password, ...user }): StoredUser => ({ ...user, ...(password !== undefined && { password: hashed(password) }) }));
  const all = () => [...known, ...records.list<StoredUser>(KIND)];
  const named = (username: string) => all().find(({ email, phoneNumber }) => username !== "" && (email === username || phoneNumber === username));

  return {
    find: (sub) => all().find((user) => user.sub === sub),
    signIn(username, password) {
      const user = named(plain(username));
      return user?.password !== undefined && isRight(password, user.password) ? user : undefined;
    },
    register(username, password) {
      const name = plain(username);
      const address = EMAIL.test(name)
        ? { email: name, emailVerified: true }
        : PHONE_NUMBER.test(name)
          ? { phoneNumber: name, phoneNumberVerified: true }
          : undefined;
      if (address === undefined) return "bad-username";
      if (password.length < passwordLength) return "short-password";
      if (named(name) !== undefined) return "username-taken";
      const user: StoredUser = { sub: randomUUID(), ...address, password: hashed(password) };
      records.put(KIND, user.sub, user);
      return user;
    },
  };
}

/** In small letters, as the pool does not tell them apart; and a number without what people write between its digits. */
function plain(username: string): string {
  const name = username.trim().toLowerCase();
  return name.startsWith("+") ? name.replace(/[\s()-]/g, "") : name;
}

const HASH_BYTES = 32;

function hashed(password: string): { readonly salt: string; readonly hash: string } {
  const salt = randomBytes(16).toString("hex");
  return { salt, hash: scryptSync(password, salt, HASH_BYTES).toString("hex") };
}

function isRight(password: string, { salt, hash }: { readonly salt: string; readonly hash: string }): boolean {
  return timingSafeEqual(scryptSync(password, salt, HASH_BYTES), Buffer.from(hash, "hex"));
}
