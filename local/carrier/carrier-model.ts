import type { BalanceList, EsimList, EsimQuery, TopUpOrder, TopUpReply } from "../../functions/contracts/carrier.ts";
import { type Iccid, iccidProblem, lastFour } from "../../functions/domain/iccid.ts";
import { isSameMoney, type Money, money } from "../../functions/domain/money.ts";
import { type Instant, instant } from "../../functions/domain/time.ts";
import type { Records } from "../records.ts";

/** A line as the carrier keeps it. */
export interface CarrierLine {
  readonly iccid: Iccid;
  /** What the carrier knows its holder by. */
  readonly owner: { readonly subscriberId?: string; readonly email?: string; readonly phoneNumber?: string };
  readonly currency: string;
  /** Minor units; may be below zero. */
  readonly available: number;
  /** Minor units used up per minute, until nothing is left. */
  readonly drainPerMinute: number;
}

/** One accepted order and its answer, both for ever. */
export interface CarrierTopUp extends TopUpOrder {
  readonly at: Instant;
  /** Why it was refused; credited when missing. */
  readonly refusal?: string;
}

/** What becomes of a top-up: only the first two are answered. `lose-request` and `error-500` leave no trace at the carrier. */
export type NextOutcome = "credit" | "refuse" | "credit-but-lose-reply" | "lose-request" | "error-500";

/** What happened at the carrier, for a timeline that people read. */
export type CarrierFact = { readonly at: Instant; readonly reference: string } & (
  | { readonly type: "credited"; readonly iccid: Iccid; readonly amount: Money; readonly available: Money }
  | { readonly type: "refused"; readonly iccid: Iccid; readonly amount: Money; readonly code: string }
  /** A repeat, which got the first answer again and changed nothing. */
  | { readonly type: "repeated" }
  /** The reference came back with another line or amount. */
  | { readonly type: "conflict" }
  | { readonly type: "unanswered"; readonly because: "credit-but-lose-reply" | "lose-request" | "error-500" }
);

/** `no-reply`: the caller is to hear nothing. `error`: the caller is to hear that something broke. */
export type TopUpResult = { readonly kind: "answer"; readonly reply: TopUpReply } | { readonly kind: "conflict" | "no-reply" | "error" };

export interface CarrierModel {
  /** Epoch milliseconds: the carrier's clock. */
  readonly now: () => number;
  /** A line that is there already stays as it is, so that every start may seed again. */
  addLine(line: CarrierLine): void;
  setBalance(iccid: Iccid, available: number): void;
  setDrain(iccid: Iccid, drainPerMinute: number): void;
  /** Queues what becomes of the next orders. Repeats of an answered one do not count. When the queue is empty, all goes well. */
  chooseNext(...outcomes: readonly NextOutcome[]): void;
  /** As they are now. */
  listLines(): CarrierLine[];
  /** Oldest first, refused ones too. */
  listTopUps(): CarrierTopUp[];

  /** The operations of docs/carrier-api.yaml. Each is on record before it returns. */
  queryEsims(who: EsimQuery): EsimList;
  queryBalances(iccids: readonly Iccid[]): BalanceList;
  topUp(order: TopUpOrder): TopUpResult;
  findTopUp(reference: string): TopUpReply | undefined;
}

export interface CarrierModelOptions {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly observe?: (fact: CarrierFact) => void;
}

/**
 * Everything about one ICCID is one document, so that one write both credits a line and remembers having done so.
 *
 * `line` is missing where somebody ordered a top-up for a line that does not exist; its `available` is as of `asOf`.
 */
interface Account {
  readonly iccid: Iccid;
  readonly line?: CarrierLine & { readonly asOf: number };
  readonly topUps: readonly CarrierTopUp[];
}

const ACCOUNTS = "carrier-account";
const NEXT = "carrier-next";

/** An operator's charging system as docs/carrier-api.yaml describes it, with a will of its own where a test wants one. */
export function carrierModel({ records, now, observe = () => {} }: CarrierModelOptions): CarrierModel {
  const accounts = new Map(records.list<Account>(ACCOUNTS).map((account) => [account.iccid, account]));
  const known = [...accounts.values()].flatMap((account) => account.topUps).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const topUps = new Map(known.map((topUp) => [topUp.reference, topUp]));
  let next = records.get<{ outcomes: NextOutcome[] }>(NEXT, NEXT)?.outcomes ?? [];

  function save(account: Account): void {
    records.put(ACCOUNTS, account.iccid, account);
    accounts.set(account.iccid, account);
  }

  function saveNext(outcomes: NextOutcome[]): void {
    records.put(NEXT, NEXT, { outcomes });
    next = outcomes;
  }

  function change(iccid: Iccid, changes: Partial<CarrierLine>): void {
    const account = accounts.get(iccid);
    if (account?.line === undefined) throw new Error(`The carrier has no line that ends in ${lastFour(iccid)}`);
    const at = now();
    save({ ...account, line: { ...account.line, available: availableAt(account.line, at), ...changes, asOf: at } });
  }

  function takeNext(): NextOutcome {
    const [outcome = "credit", ...rest] = next;
    if (next.length > 0) saveNext(rest);
    return outcome;
  }

  /** Answers an order for the first and last time. */
  function settle({ reference, iccid, amount }: TopUpOrder, isBarred: boolean): TopUpReply {
    const account = accounts.get(iccid) ?? { iccid, topUps: [] };
    const { line } = account;
    const at = now();
    const topUp = { reference, iccid, amount, at: instant(at) };

    const refuse = (code: string) => {
      const refused = { ...topUp, refusal: code };
      remember(account, refused);
      observe({ type: "refused", at: topUp.at, reference, iccid, amount, code });
      return replyOf(refused);
    };
    if (line === undefined) return refuse("unknown-line");
    if (line.currency !== amount.currency) return refuse("wrong-currency");
    if (isBarred) return refuse("line-barred");

    const available = availableAt(line, at) + amount.amount;
    remember({ ...account, line: { ...line, available, asOf: at } }, topUp);
    observe({ type: "credited", at: topUp.at, reference, iccid, amount, available: money(available, line.currency) });
    return replyOf(topUp);
  }

  function remember(account: Account, topUp: CarrierTopUp): void {
    save({ ...account, topUps: [...account.topUps, topUp] });
    topUps.set(topUp.reference, topUp);
  }

  return {
    now,

    addLine(line) {
      const problem = iccidProblem(line.iccid);
      if (problem !== undefined) throw new RangeError(`A line's ICCID ${problem}`);
      const account = accounts.get(line.iccid);
      if (account?.line !== undefined) return;
      save({ iccid: line.iccid, line: { ...line, asOf: now() }, topUps: account?.topUps ?? [] });
    },
    setBalance: (iccid, available) => change(iccid, { available }),
    setDrain: (iccid, drainPerMinute) => change(iccid, { drainPerMinute }),
    chooseNext: (...outcomes) => saveNext([...next, ...outcomes]),
    listLines() {
      const at = now();
      return [...accounts.values()].flatMap(({ line }) => (line === undefined ? [] : [lineAt(line, at)]));
    },
    listTopUps: () => [...topUps.values()],

    queryEsims(who) {
      const lines = [...accounts.values()].flatMap(({ line }) => line ?? []);
      for (const key of ["subscriberId", "email", "phoneNumber"] as const) {
        const held = lines.filter(({ owner }) => owner[key] !== undefined && owner[key] === who[key]);
        if (held.length > 0) return { esims: held.map(({ iccid, currency }) => ({ iccid, currency })) };
      }
      return { esims: [] };
    },

    queryBalances(iccids) {
      const at = now();
      const balances = [...new Set(iccids)].flatMap((iccid) => {
        const line = accounts.get(iccid)?.line;
        return line === undefined ? [] : [{ iccid, available: money(availableAt(line, at), line.currency), readAt: instant(at) }];
      });
      return { balances };
    },

    topUp(order) {
      const { reference } = order;
      const first = topUps.get(reference);
      if (first !== undefined) {
        const isRepeat = first.iccid === order.iccid && isSameMoney(first.amount, order.amount);
        observe({ type: isRepeat ? "repeated" : "conflict", at: instant(now()), reference });
        return isRepeat ? { kind: "answer", reply: replyOf(first) } : { kind: "conflict" };
      }
      const outcome = takeNext();
      if (outcome === "credit" || outcome === "refuse") return { kind: "answer", reply: settle(order, outcome === "refuse") };
      if (outcome === "credit-but-lose-reply") settle(order, false);
      observe({ type: "unanswered", at: instant(now()), reference, because: outcome });
      return { kind: outcome === "error-500" ? "error" : "no-reply" };
    },

    findTopUp(reference) {
      const topUp = topUps.get(reference);
      return topUp && replyOf(topUp);
    },
  };
}

function replyOf({ reference, refusal, at }: CarrierTopUp): TopUpReply {
  return refusal === undefined ? { reference, status: "credited", at } : { reference, status: "refused", code: refusal };
}

/** What is left at a time. Depends on that time only, not on how often anybody looked; a clock that went back gives nothing back. */
function availableAt({ available, drainPerMinute, asOf }: CarrierLine & { readonly asOf: number }, at: number): number {
  const used = Math.floor((drainPerMinute * Math.max(0, at - asOf)) / 60_000);
  return Math.max(Math.min(available, 0), available - used);
}

function lineAt({ asOf, ...line }: CarrierLine & { readonly asOf: number }, at: number): CarrierLine {
  return { ...line, available: availableAt({ ...line, asOf }, at) };
}
