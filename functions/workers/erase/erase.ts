import type { Bill } from "../../domain/bill.ts";
import { erasedOf } from "../../domain/erasure.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Cards, EraseRequest, EraseRequests, EraseStage, Page, Recharges, Subscribers, Wallet } from "../../domain/ports.ts";
import { type DropRulesPorts, dropRule, dropRules } from "../drop-rules.ts";

export interface ErasePorts extends DropRulesPorts {
  readonly recharges: Recharges;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly wallet: Pick<Wallet, "detach" | "deleteCustomer">;
  readonly eraseRequests: EraseRequests;
}

/** SQS's longest delay. */
const WAIT_SECONDS = 15 * 60;
/** While something is open: 8 x 15 min = 2 h. What takes longer is asked for once a day. */
const MOST_TRIES = 8;

/** The daily tick: goes on with everybody who is closing, whatever became of their messages. */
export async function resumeErasing({ subscribers, eraseRequests }: Pick<ErasePorts, "subscribers" | "eraseRequests">): Promise<void> {
  let page: string | undefined;
  do {
    const { items, next } = await subscribers.listClosing(page);
    await eraseRequests.send(items.map((subscriberId) => ({ subscriberId, tries: MOST_TRIES - 1 })));
    page = next;
  } while (page !== undefined);
}

/**
 * Forgets a subscriber who is closing: waits until nothing of theirs is open, then erases stage by stage. Their bills stay as they are.
 *
 * Each stage erases what it finds and may be begun again; that they are closing is forgotten last, so whatever breaks off is taken up by the daily tick.
 */
export async function erase(ports: ErasePorts, request: EraseRequest): Promise<void> {
  const { subscriberId, stage } = request;
  const closing = await ports.subscribers.getClosing(subscriberId);
  if (closing === undefined) return; // all was done before
  if (stage !== undefined && request.since !== closing.since) return; // of an account that was closed before this one: what is open on this one was not waited for
  switch (stage) {
    case undefined: {
      if (await dropRules(ports, subscriberId)) return waitFurther(ports, request);
      // By then the notice of the last end has been sent, and no carrier repeats a reading from before it.
      return ports.eraseRequests.send([{ ...request, stage: "lines", since: closing.since }], WAIT_SECONDS);
    }
    case "lines":
      return walk(ports, request, {
        list: (page) => ports.esims.findOf(subscriberId, page),
        erase: (iccid: Iccid) => eraseOnLine(ports, iccid, subscriberId),
        next: "bills",
      });
    case "bills":
      return walk(ports, request, {
        list: (page) => ports.recharges.listBills(subscriberId, page),
        erase: (bill: Bill) => eraseBehind(ports, bill),
        next: "starts",
      });
    case "starts":
      return walk(ports, request, {
        list: (page) => ports.recharges.findStarts(subscriberId, page),
        erase: async (rechargeId: string) => ports.recharges.eraseHistory(rechargeId).then(() => "erased"),
        next: "account",
      });
    case "account":
      return eraseAccount(ports, subscriberId);
  }
}

async function waitFurther({ eraseRequests, log }: ErasePorts, { subscriberId, tries = 0 }: EraseRequest): Promise<void> {
  if (tries + 1 >= MOST_TRIES) return log.warn("erasing-waits", { subscriberId });
  await eraseRequests.send([{ subscriberId, tries: tries + 1 }], WAIT_SECONDS);
}

/** A page of the scanned tables is up to 1 MB, one of bills 50 with some ten parts each: 10 pages take half a minute at the worst. */
const PAGES_PER_RUN = 10;

interface Walk<T> {
  readonly list: (page: string | undefined) => Promise<Page<T>>;
  readonly erase: (item: T) => Promise<"erased" | "busy">;
  readonly next: EraseStage;
}

/** Erases on every page of a list; the rest of a long one, and what comes after it, is a message of its own. */
async function walk<T>(ports: ErasePorts, request: EraseRequest, { list, erase: eraseItem, next: after }: Walk<T>): Promise<void> {
  let { page } = request;
  for (let pages = 0; pages < PAGES_PER_RUN; pages++) {
    const { items, next } = await list(page);
    for (const item of items) if ((await eraseItem(item)) === "busy") return waitFurther(ports, request);
    page = next;
    if (page === undefined) return ports.eraseRequests.send([{ ...request, stage: after, page: undefined }]);
  }
  await ports.eraseRequests.send([{ ...request, page }]);
}

const TRIES = 5;

async function eraseOnLine(ports: ErasePorts, iccid: Iccid, subscriberId: string): Promise<"erased" | "busy"> {
  const { esims, ids } = ports;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const line = await esims.load(iccid);
    if (line === undefined) return "erased";
    // A call that had begun before the account was closing may have saved a rule; and what is open may be on a line that has another payer by now.
    if (await dropRule(ports, line, subscriberId)) return "busy";
    const left = erasedOf(line, subscriberId);
    if (left === undefined ? await esims.remove(line) : (await esims.save(left, ids.next())) !== undefined) return "erased";
  }
  throw new Error(`The line was changed by others ${TRIES} times in a row`);
}

/** Why a recharge was made, its steps, and what was counted of a way to pay that is nobody else's. */
async function eraseBehind({ recharges, cards }: ErasePorts, { rechargeId, method }: Bill): Promise<"erased"> {
  await recharges.eraseHistory(rechargeId);
  await cards.erase(method.id); // a card has its declines under its fingerprint, which may be on others' accounts too
  return "erased";
}

async function eraseAccount({ subscribers, cards, wallet, log }: ErasePorts, subscriberId: string): Promise<void> {
  for (const { id, payRequest } of await subscribers.listMethods(subscriberId)) {
    if (payRequest === undefined) await wallet.detach(id);
    await cards.erase(id);
  }
  const customerId = await subscribers.getCustomer(subscriberId);
  if (customerId !== undefined) await wallet.deleteCustomer(customerId);
  await subscribers.erase(subscriberId);
  await subscribers.removeClosing(subscriberId);
  log.info("account-erased", { subscriberId }); // whoever deletes the account to sign in with goes by this
}
