import type { Iccid } from "../../domain/iccid.ts";
import type { Metrics } from "../../domain/metrics.ts";
import type { Cards, Carrier, Clock, Controls, Esims, Events, Ids, Log, Payments, Pokes, Recharges, Subscribers } from "../../domain/ports.ts";

/** What the recharge worker needs of the world. */
export interface RechargePorts {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly controls: Controls;
  readonly payments: Payments;
  readonly carrier: Carrier;
  readonly events: Events;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Keyed hash of an ICCID, for bills. */
  readonly hashLine: (iccid: Iccid) => string;
  /** A balance that the carrier read within this many seconds is as good as a new one. */
  readonly readIntervalSeconds: number;
}
