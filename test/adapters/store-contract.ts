import type { Iccid } from "../../functions/domain/iccid.ts";
import type { Page } from "../../functions/domain/ports.ts";
import { luhnCheckDigit } from "../builders.ts";

/** Makes a store that is empty and that nobody else uses. */
export type MakeStore<Store> = () => Promise<{ readonly store: Store; readonly close?: () => Promise<void> }>;

/** More pages than any test fills: a list that never ends must fail, not hang. */
const MOST_PAGES = 10;

/** Reads a list to its end. */
export async function readPages<T>(list: (page?: string) => Promise<Page<T>>): Promise<(readonly T[])[]> {
  const pages: (readonly T[])[] = [];
  let mark: string | undefined;
  do {
    if (pages.length === MOST_PAGES) throw new Error(`The list goes on after ${MOST_PAGES} pages`);
    const { items, next } = await list(mark);
    pages.push(items);
    mark = next;
  } while (mark !== undefined);
  return pages;
}

/** As many writes at a time as a local engine answers on a busy machine before the SDK's patience ends. */
const WRITES_AT_A_TIME = 10;

/** Writes many items that nobody competes for. */
export async function seed<T, Written>(items: readonly T[], write: (item: T) => Promise<Written>): Promise<Written[]> {
  const written: Written[] = [];
  for (let i = 0; i < items.length; i += WRITES_AT_A_TIME) written.push(...(await Promise.all(items.slice(i, i + WRITES_AT_A_TIME).map(write))));
  return written;
}

/** A page mark as the DynamoDB stores write it, but made up. */
export function forgedMark(key: object): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** A different, valid ICCID for every number; they sort as the numbers do. */
export function iccidOf(number: number): Iccid {
  const payload = `8986${String(number).padStart(14, "0")}`;
  return `${payload}${luhnCheckDigit(payload)}`;
}
