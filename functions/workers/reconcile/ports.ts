import type { Carrier, Clock, Controls, Esims, Events, Log, PaymentLedger, Payments, Pokes, Recharges, ReconcileRequests } from "../../domain/ports.ts";

/** What the reconciler needs of the world. */
export interface ReconcilePorts {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly controls: Controls;
  readonly payments: Payments;
  readonly ledger: PaymentLedger;
  readonly carrier: Carrier;
  readonly events: Events;
  readonly pokes: Pokes;
  readonly reconcileRequests: ReconcileRequests;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds left for this invocation. */
  readonly timeLeft: () => number;
}
