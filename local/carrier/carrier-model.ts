import { createHash } from "node:crypto";
import type {
  BalanceList,
  CodeOrder,
  EsimList,
  EsimQuery,
  LineReply,
  TopUpList,
  TopUpOrder,
  TopUpQuery,
  TopUpReply,
} from "../../functions/contracts/carrier.ts";
import { type Iccid, iccidProblem, lastFour } from "../../functions/domain/iccid.ts";
import { isSameMoney, type Money, money } from "../../functions/domain/money.ts";
import { type Instant, instant } from "../../functions/domain/time.ts";
import type { Records } from "../records.ts";
import { FATES, type Fate, type Fault, type NextOutcome } from "./next-outcomes.ts";

/** What the carrier knows the holder of a line by. */
export interface LineOwner {
  readonly subscriberId?: string;
  readonly email?: string;
  readonly phoneNumber?: string;
}

/** A line as the carrier keeps it. */
export interface CarrierLine {
  readonly iccid: Iccid;
  readonly owner: LineOwner;
  readonly currency: string;
  /** Minor units; may be below zero. */
  readonly available: number;
  /** Minor units used up per minute, until nothing is left. */
  readonly drainPerMinute: number;
  /** The only amounts that can be added, in minor units; any when missing. */
  readonly topUpAmounts?: readonly number[];
}

/** One order and its answer, both for ever. */
export interface CarrierTopUp extends TopUpOrder {
  readonly at: Instant;
  /** Why it was refused; credited when missing. */
  readonly refusal?: string;
}

/** A text message as the line's holder reads it on their phone. */
export interface CarrierMessage extends CodeOrder {
  readonly at: Instant;
  readonly text: string;
}

/** What happened at the carrier, for a timeline that people read. */
export type CarrierFact = { readonly at: Instant; readonly reference: string } & (
  | { readonly type: "credited"; readonly iccid: Iccid; readonly amount: Money; readonly available: Money }
  | { readonly type: "refused"; readonly iccid: Iccid; readonly amount: Money; readonly code: string }
  /** A repeat, which got the first answer again and changed nothing. */
  | { readonly type: "repeated" }
  /** The reference came back with another line or amount. */
  | { readonly type: "conflict" }
  /** The answer did not arrive as it should. */
  | { readonly type: "unanswered"; readonly because: NextOutcome }
);

/** What the carrier has to say about a reference. `under-way`: taken, and neither credited nor refused yet. `nothing`: it broke before it did anything. */
export type TopUpWord = TopUpReply | "conflict" | "under-way" | "unseen" | "nothing";

/** The operations that move no money. */
export type CarrierQuestion = "queryEsims" | "queryLine" | "sendCode" | "queryBalances" | "findTopUp" | "queryTopUps";

export interface CarrierModel {
  /** Epoch milliseconds: the carrier's clock. */
  readonly now: () => number;
  readonly answersAreFinal: boolean;

  /** A line that is there already stays as it is, so that every start may seed again. */
  addLine(line: CarrierLine): void;
  /** The line vanishes; what was ordered for it stays known. */
  removeLine(iccid: Iccid): void;
  setBalance(iccid: Iccid, available: number): void;
  setDrain(iccid: Iccid, drainPerMinute: number): void;
  /** The number stays, and counts in the new currency from now on. */
  setCurrency(iccid: Iccid, currency: string): void;
  setOwner(iccid: Iccid, owner: LineOwner): void;
  setTopUpAmounts(iccid: Iccid, topUpAmounts: readonly number[] | undefined): void;
  /** The holder tops the line up in a shop, of which we hear nothing. */
  creditElsewhere(iccid: Iccid, amount: number): void;

  /** Queues what becomes of the next orders. Repeats that get an earlier answer do not count. When the queue is empty, all goes well. */
  chooseNext(...outcomes: readonly NextOutcome[]): void;
  /** Queues how the answers to the next questions of a kind go wrong. When the queue is empty, none does. */
  failNext(question: CarrierQuestion, ...faults: readonly Fault[]): void;
  /** Takes the next chosen fault of a question. */
  takeFault(question: CarrierQuestion): Fault | undefined;
  /** Counts a call; false when there were too many in this second. */
  admit(): boolean;

  /** As they are now. */
  listLines(): CarrierLine[];
  /** In the order in which they were answered, refused ones too. */
  listTopUps(): CarrierTopUp[];
  /** What was brought to the lines, oldest first. */
  listMessages(): CarrierMessage[];

  /** The operations of docs/carrier-api.yaml. What they do is on record before they return. */
  queryEsims(who: EsimQuery): EsimList;
  queryLine(iccid: Iccid): LineReply;
  /** A line that does not exist gets none, and nobody is told. */
  sendCode(order: CodeOrder): void;
  queryBalances(iccids: readonly Iccid[]): BalanceList;
  /** `fault`: how the answer is to go wrong on its way. */
  topUp(order: TopUpOrder): { readonly said: TopUpWord; readonly fault?: Fault };
  findTopUp(reference: string): TopUpWord;
  /** Undefined where it offers no such list. */
  queryTopUps(query: TopUpQuery): TopUpList | undefined;
}

export interface CarrierModelOptions {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly observe?: (fact: CarrierFact) => void;
  /** True unless told otherwise. False: it remembers no reference, so that a repeat credits AGAIN, and every question about one is answered "never seen". */
  readonly answersAreFinal?: boolean;
  /** A carrier whose answers are not final finds the orders that it credited, after all. */
  readonly findsCredits?: boolean;
  /** A balance that is asked for sooner than this is the last reading again, even if the line was topped up meanwhile. 0 unless told otherwise. */
  readonly readIntervalSeconds?: number;
  /** How many calls it takes in one second of its clock; any number unless told otherwise. */
  readonly callsPerSecond?: number;
  /** How long an order of `credit-later` takes; 10 unless told otherwise. */
  readonly lateMinutes?: number;
  /** True unless told otherwise: it lists what it was ordered. */
  readonly listsTopUps?: boolean;
}

/** An order that was taken and is credited when its time comes, in epoch milliseconds. */
interface LateOrder extends TopUpOrder {
  readonly dueAt: number;
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
  /** Missing where nothing was ever late. */
  readonly late?: readonly LateOrder[];
}

/** What is to happen next, by operation. */
type Chosen = { readonly topUp: readonly NextOutcome[] } & { readonly [question in CarrierQuestion]: readonly Fault[] };

/** Any number will do: docs/carrier-api.yaml leaves it to the carrier. */
const TOP_UPS_PER_PAGE = 25;

const ACCOUNTS = "carrier-account";
const CHOSEN = "carrier-chosen";
const MESSAGES = "carrier-message";
const OWNER_KEYS = ["subscriberId", "email", "phoneNumber"] as const;

/** An operator's charging system as docs/carrier-api.yaml describes it, with a will of its own where a test wants one. */
export function carrierModel({
  records,
  now,
  observe = () => {},
  answersAreFinal = true,
  findsCredits = false,
  readIntervalSeconds = 0,
  callsPerSecond = Number.POSITIVE_INFINITY,
  lateMinutes = 10,
  listsTopUps = true,
}: CarrierModelOptions): CarrierModel {
  const accounts = new Map<Iccid, Account>();
  /** Lines by what their owner is known by. */
  const held = new Map<string, Set<Iccid>>();
  /** Lines with an order that is not credited yet. */
  const waiting = new Set<Iccid>();
  for (const account of records.list<Account>(ACCOUNTS)) keep(account);

  const answered = [...accounts.values()].flatMap((account) => account.topUps).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const byReference = new Map(answered.filter(isRemembered).map((topUp) => [topUp.reference, topUp]));
  /** The last reading of each line. A carrier that was started anew takes new ones. */
  const readings = new Map<Iccid, { readonly at: number; readonly available: Money }>();
  const messages = records.list<CarrierMessage>(MESSAGES);
  let chosen: Chosen = {
    topUp: [],
    queryEsims: [],
    queryLine: [],
    sendCode: [],
    queryBalances: [],
    findTopUp: [],
    queryTopUps: [],
    ...records.get<Chosen>(CHOSEN, CHOSEN),
  };
  let second = { number: 0, calls: 0 };

  function accountOf(iccid: Iccid): Account {
    return accounts.get(iccid) ?? { iccid, topUps: [] };
  }

  function keep(account: Account): void {
    const { iccid, line, late } = account;
    const before = accountOf(iccid).line?.owner;
    if (before !== line?.owner) {
      for (const name of namesOf(before)) held.get(name)?.delete(iccid);
      for (const name of namesOf(line?.owner)) held.set(name, (held.get(name) ?? new Set()).add(iccid));
    }
    if (late === undefined || late.length === 0) waiting.delete(iccid);
    else waiting.add(iccid);
    accounts.set(iccid, account);
  }

  function save(account: Account): void {
    records.put(ACCOUNTS, account.iccid, account);
    keep(account);
  }

  /** What this carrier finds again by its reference. */
  function isRemembered(topUp: CarrierTopUp): boolean {
    return answersAreFinal || (findsCredits && topUp.refusal === undefined);
  }

  function change(iccid: Iccid, changes: (line: CarrierLine) => Partial<CarrierLine>): void {
    creditWhatIsDue();
    const account = accountOf(iccid);
    if (account.line === undefined) throw new Error(`The carrier has no line that ends in ${lastFour(iccid)}`);
    const at = now();
    const line = lineAt(account.line, at);
    save({ ...account, line: { ...line, ...changes(line), asOf: at } });
  }

  function saveChosen(changes: Partial<Chosen>): void {
    chosen = { ...chosen, ...changes };
    records.put(CHOSEN, CHOSEN, chosen);
  }

  function lateOrders(): LateOrder[] {
    return [...waiting].flatMap((iccid) => accountOf(iccid).late ?? []);
  }

  /** An order whose time has come is credited as of that time, whenever somebody looks. */
  function creditWhatIsDue(): void {
    const at = now();
    for (const order of lateOrders()) if (order.dueAt <= at) settle(order, order.dueAt, false);
  }

  /** Answers an order for good. */
  function settle(order: TopUpOrder, at: number, isBarred: boolean): TopUpReply {
    const { reference, iccid, amount } = order;
    const known = accountOf(iccid);
    const account = { ...known, late: known.late?.filter((each) => each !== order) };
    const { line } = account;
    const topUp = { reference, iccid, amount, at: instant(at) };

    const refuse = (code: string) => {
      const refused = { ...topUp, refusal: code };
      remember(account, refused);
      observe({ type: "refused", at: topUp.at, reference, iccid, amount, code });
      return replyOf(refused);
    };
    if (line === undefined) return refuse("unknown-line");
    if (line.currency !== amount.currency) return refuse("wrong-currency");
    if (line.topUpAmounts?.includes(amount.amount) === false) return refuse("amount-not-offered");
    if (isBarred) return refuse("line-barred");

    const available = availableAt(line, at) + amount.amount;
    remember({ ...account, line: { ...line, available, asOf: at } }, topUp);
    observe({ type: "credited", at: topUp.at, reference, iccid, amount, available: money(available, line.currency) });
    return replyOf(topUp);
  }

  function carryOut(order: TopUpOrder, does: Fate["does"], at: number): TopUpWord {
    switch (does) {
      case "credit":
      case "refuse":
        return settle(order, at, does === "refuse");
      case "credit-later": {
        const { iccid } = order;
        const account = accountOf(iccid);
        save({ ...account, late: [...(account.late ?? []), { ...order, dueAt: at + lateMinutes * 60_000 }] });
        return "under-way";
      }
      case "nothing":
        return "nothing";
    }
  }

  function remember(account: Account, topUp: CarrierTopUp): void {
    save({ ...account, topUps: [...account.topUps, topUp] });
    answered.push(topUp);
    if (isRemembered(topUp)) byReference.set(topUp.reference, topUp);
  }

  /** The answer that a reference has had, or is about to get. A carrier that does not remember references has none. */
  function earlierWord({ reference, iccid, amount }: TopUpOrder): TopUpWord | undefined {
    if (!answersAreFinal) return undefined;
    const answer = byReference.get(reference);
    const order = answer ?? lateOrders().find((each) => each.reference === reference);
    if (order === undefined) return undefined;
    if (order.iccid !== iccid || !isSameMoney(order.amount, amount)) return "conflict";
    return answer === undefined ? "under-way" : replyOf(answer);
  }

  return {
    now,
    answersAreFinal,

    addLine(line) {
      const problem = iccidProblem(line.iccid);
      if (problem !== undefined) throw new RangeError(`A line's ICCID ${problem}`);
      const account = accountOf(line.iccid);
      if (account.line === undefined) save({ ...account, line: { ...line, asOf: now() } });
    },
    removeLine(iccid) {
      creditWhatIsDue();
      save({ ...accountOf(iccid), line: undefined });
    },
    setBalance: (iccid, available) => change(iccid, () => ({ available })),
    setDrain: (iccid, drainPerMinute) => change(iccid, () => ({ drainPerMinute })),
    setCurrency: (iccid, currency) => change(iccid, () => ({ currency })),
    setOwner: (iccid, owner) => change(iccid, () => ({ owner })),
    setTopUpAmounts: (iccid, topUpAmounts) => change(iccid, () => ({ topUpAmounts })),
    creditElsewhere: (iccid, amount) => change(iccid, ({ available }) => ({ available: available + amount })),

    chooseNext: (...outcomes) => saveChosen({ topUp: [...chosen.topUp, ...outcomes] }),
    failNext: (question, ...faults) => saveChosen({ [question]: [...chosen[question], ...faults] }),
    takeFault(question) {
      const [fault, ...rest] = chosen[question];
      if (fault !== undefined) saveChosen({ [question]: rest });
      return fault;
    },
    admit() {
      const number = Math.floor(now() / 1000);
      second = { number, calls: number === second.number ? second.calls + 1 : 1 };
      return second.calls <= callsPerSecond;
    },

    listLines() {
      creditWhatIsDue();
      const at = now();
      return [...accounts.values()].flatMap(({ line }) => (line === undefined ? [] : [lineAt(line, at)]));
    },
    listTopUps() {
      creditWhatIsDue();
      return [...answered];
    },
    listMessages: () => [...messages],

    queryEsims(who) {
      const decisive = namesOf(who)
        .flatMap((name) => held.get(name) ?? [])
        .find((iccids) => iccids.size > 0);
      const lines = [...(decisive ?? [])].flatMap((iccid) => accountOf(iccid).line ?? []);
      return { esims: lines.map(({ iccid, currency, topUpAmounts }) => ({ iccid, currency, ...(topUpAmounts && { topUpAmounts: [...topUpAmounts] }) })) };
    },

    queryLine(iccid) {
      const { line } = accountOf(iccid);
      if (line === undefined) return { line: null };
      const { currency, topUpAmounts, owner } = line;
      return { line: { iccid, currency, ...(topUpAmounts && { topUpAmounts: [...topUpAmounts] }), holder: holderOf(owner) } };
    },

    sendCode(order) {
      if (accountOf(order.iccid).line === undefined) return;
      const message = { ...order, at: instant(now()), text: CODE_TEXTS[order.language].replace("{code}", order.code) };
      records.put(MESSAGES, String(messages.length).padStart(9, "0"), message);
      messages.push(message);
    },

    queryBalances(iccids) {
      creditWhatIsDue();
      const at = now();
      const balances = [...new Set(iccids)].flatMap((iccid) => {
        const { line } = accountOf(iccid);
        if (line === undefined) return [];
        const last = readings.get(iccid);
        const isRecent = last !== undefined && at - last.at < readIntervalSeconds * 1000;
        const reading = isRecent ? last : { at, available: money(availableAt(line, at), line.currency) };
        readings.set(iccid, reading);
        return [{ iccid, available: reading.available, readAt: instant(reading.at) }];
      });
      return { balances };
    },

    topUp(order) {
      creditWhatIsDue();
      const { reference } = order;
      const at = now();
      const earlier = earlierWord(order);
      if (earlier !== undefined) {
        if (earlier !== "under-way") observe({ type: earlier === "conflict" ? "conflict" : "repeated", at: instant(at), reference });
        return { said: earlier };
      }
      const [outcome = "credit", ...rest] = chosen.topUp;
      if (chosen.topUp.length > 0) saveChosen({ topUp: rest });
      const { does, fault } = FATES.get(outcome) ?? { does: "credit" };
      const said = carryOut(order, does, at);
      if (fault !== undefined) observe({ type: "unanswered", at: instant(at), reference, because: outcome });
      return { said, fault };
    },

    findTopUp(reference) {
      creditWhatIsDue();
      const topUp = byReference.get(reference);
      if (topUp !== undefined) return replyOf(topUp);
      return answersAreFinal && lateOrders().some((order) => order.reference === reference) ? "under-way" : "unseen";
    },

    queryTopUps({ from, to, page = "0" }) {
      if (!listsTopUps) return undefined;
      creditWhatIsDue();
      const within = answered.filter(({ at }) => from <= at && at < to).sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
      const [start, end] = [Number(page), Number(page) + TOP_UPS_PER_PAGE];
      const topUps = within.slice(start, end).map(({ reference, iccid, amount, at, refusal }) => {
        const status = refusal === undefined ? "credited" : "refused";
        return { reference, iccid, amount, at, status } as const;
      });
      return { topUps, ...(end < within.length && { next: String(end) }) };
    },
  };
}

const CODE_TEXTS: Readonly<Record<CodeOrder["language"], string>> = {
  en: "{code} is your code for auto-recharge. Somebody wants to pay for the recharges of your line. Give it to them only if you want that. Valid for 10 minutes.",
  "zh-CN": "您的自动充值验证码为 {code}。有人希望为您的号码充值付款，仅在您同意时才将验证码告诉对方。10 分钟内有效。",
};

/** A name that says nothing about its person. */
function holderOf(owner: LineOwner): string {
  return `holder-${createHash("sha256").update(namesOf(owner).join("\n")).digest("hex").slice(0, 16)}`;
}

/** The names by which a person may be found, in the order in which they are tried. */
function namesOf(owner: LineOwner = {}): readonly string[] {
  return OWNER_KEYS.flatMap((key) => (owner[key] === undefined ? [] : [`${key} ${owner[key]}`]));
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
