import type { Decline } from "../../functions/domain/declines.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import type { Cards, Controls, Esims, Recharges, Subscribers } from "../../functions/domain/ports.ts";
import { memoryCards, memoryControls, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import type { At, Evidence } from "./evidence.ts";
import type { Faults } from "./faults.ts";

interface Tables {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly controls: Controls;
}

export interface TablesOptions {
  readonly faults: Faults;
  readonly now: () => number;
  readonly say: (text: () => string) => void;
  /** The way of a worker's request to the database and back. */
  readonly call: <T>(what: string, isChange: boolean, act: () => Promise<T>) => Promise<T>;
  /** Told of every line that was stored. */
  readonly written: (esim: Esim) => void;
}

type Written = { -readonly [Field in "writes" | "declines" | "clears" | "killSwitches" | "holds" | "restores"]: Evidence[Field][number][] };

const newTables = (): Tables => ({
  esims: memoryEsims(),
  recharges: memoryRecharges(),
  subscribers: memorySubscribers(),
  cards: memoryCards(),
  controls: memoryControls(),
});

async function ask(tables: Tables, store: keyof Tables, method: string, given: readonly unknown[]): Promise<unknown> {
  const asked: object = tables[store];
  return Reflect.apply(Reflect.get(asked, method), asked, given);
}

/** The stores in memory as workers reach them, with a record of every change, so that they can be brought back to any moment. */
export function simulatedTables({ faults, now, say, call, written }: TablesOptions) {
  let tables = newTables();
  let changes: At<{ readonly store: keyof Tables; readonly method: string; readonly given: readonly unknown[] }>[] = [];
  const lastWritten = new Map<Iccid, Esim>();
  const seen: Written = { writes: [], declines: [], clears: [], killSwitches: [], holds: [], restores: [] };

  async function put(store: keyof Tables, method: string, given: readonly unknown[]): Promise<unknown> {
    const result = await ask(tables, store, method, given);
    changes.push({ at: now(), store, method, given });
    note(`${store}.${method}`, given, result);
    return result;
  }

  function note(change: string, [first, second]: readonly unknown[], result: unknown): void {
    const at = now();
    switch (change) {
      case "esims.save":
        if (result !== undefined) noteLine(result as Esim);
        return;
      case "cards.putDecline":
        seen.declines.push({ at, cardKey: String(first), decline: second as Decline });
        return;
      case "cards.clear":
        seen.clears.push({ at, cardKey: String(first), upTo: String(second) });
        return;
      case "controls.putKillSwitch":
        seen.killSwitches.push({ at, on: (first as { readonly on: boolean }).on });
        return;
      case "subscribers.putHold":
      case "subscribers.removeHold":
        seen.holds.push({ at, subscriberId: String(first), on: change === "subscribers.putHold" });
        return;
    }
  }

  function noteLine(esim: Esim): void {
    if (lastWritten.get(esim.iccid)?.version === esim.version) return; // the same write, sent twice
    putWrite(esim);
    say(() => `STORED: ${nameOf(esim)}`);
  }

  function putWrite(esim: Esim): void {
    seen.writes.push({ at: now(), esim });
    lastWritten.set(esim.iccid, esim);
    written(esim);
  }

  /** A store as a worker reaches it: the same methods, each a call that may go wrong, and indexes that may be old. */
  function reached<Store extends keyof Tables>(store: Store): Tables[Store] {
    const lastAnswers = new Map<string, unknown>();
    const reach = (method: string) => {
      const isRead = /^(load|list|get|was)|At$/.test(method);
      const isIndex = /^(listSlot|listDue|listHolders|listBySubscriber)$/.test(method);
      return async (...given: readonly unknown[]): Promise<unknown> => {
        const question = isIndex ? JSON.stringify([method, given[0]]) : "";
        if (lastAnswers.has(question) && faults.happens("stale-index")) return lastAnswers.get(question);
        const answer = await call(`${store}.${method}`, !isRead, () => (isRead ? ask(tables, store, method, given) : put(store, method, given)));
        if (isIndex) lastAnswers.set(question, answer);
        return answer;
      };
    };
    return Object.fromEntries(Object.keys(tables[store]).map((method) => [method, reach(method)])) as unknown as Tables[Store];
  }

  return {
    esims: reached("esims"),
    recharges: reached("recharges"),
    subscribers: reached("subscribers"),
    cards: reached("cards"),
    controls: reached("controls"),
    seen,
    /** Puts something at once, as if it had always been there. */
    put,

    /** Each line as it was last written. */
    writtenLast: (): Esim[] => [...lastWritten.values()],

    /** Brings all tables but the controls back to a moment. */
    async restore(to: number): Promise<void> {
      const restored = newTables();
      changes = changes.filter(({ at, store }) => at <= to || store === "controls");
      for (const { store, method, given } of changes) await ask(restored, store, method, given);
      const payers = new Set(seen.holds.map(({ subscriberId }) => subscriberId));
      tables = restored;
      seen.restores.push({ at: now(), to });
      for (const subscriberId of payers) seen.holds.push({ at: now(), subscriberId, on: (await tables.subscribers.getHold(subscriberId)) !== undefined });
      const lines = [...lastWritten.keys()];
      lastWritten.clear(); // a line that was not there yet begins anew
      for (const esim of await tables.esims.loadMany(lines)) putWrite(esim);
    },

    /** What the tables hold. */
    async read(iccids: readonly Iccid[], subscriberIds: readonly string[]): Promise<Pick<Evidence, "lines" | "bills" | "adjustments">> {
      const lists = await Promise.all(subscriberIds.map((subscriberId) => tables.recharges.listBills(subscriberId)));
      const bills = lists.flatMap(({ items }) => items);
      const histories = await Promise.all(bills.map(({ rechargeId }) => tables.recharges.getHistory(rechargeId)));
      return { lines: await tables.esims.loadMany(iccids), bills, adjustments: histories.flatMap(({ adjustments }) => adjustments) };
    },
  };
}

function nameOf({ iccid, version, open, rule }: Esim): string {
  const ruleNow = rule === undefined ? "no rule" : `rule ${rule.version} ${rule.status.state}`;
  return `…${iccid.slice(-4)} (${version}), ${ruleNow}, ${open === undefined ? "nothing open" : `${open.rechargeId} ${open.state.name}`}`;
}
