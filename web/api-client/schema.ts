/** Written by `npm run openapi` from docs/openapi.json: change that, not this. */

export type NewRule = {
  /** The number of an eSIM; its last digit is a Luhn check digit */
  readonly iccid: string;
  readonly threshold: NonNegativeMoney;
  readonly topUp: {
    readonly type: "fixed";
    readonly amount: PositiveMoney;
  } | {
    readonly type: "target";
    readonly target: PositiveMoney;
  };
  readonly limits: {
    readonly perMonth: PositiveMoney;
    readonly timesPerDay?: number;
    readonly cooldownMinutes?: number;
  };
  readonly paymentMethodId?: string;
  readonly noticeMinutes?: 0 | number;
  readonly timeZone: string;
  readonly consent: {
    readonly termsHash: string;
  };
};

/** In whole minor units, e.g. 1000 for CNY 10.00. */
export type NonNegativeMoney = {
  readonly amount: number;
  /** ISO 4217 */
  readonly currency: string;
};

/** In whole minor units, e.g. 5000 for CNY 50.00. */
export type PositiveMoney = {
  readonly amount: number;
  /** ISO 4217 */
  readonly currency: string;
};

export type Rule = {
  readonly iccid: string;
  readonly threshold: Money;
  readonly topUp: {
    readonly type: "fixed";
    readonly amount: Money;
  } | {
    readonly type: "target";
    readonly target: Money;
  };
  readonly limits: {
    readonly perMonth: Money;
    readonly timesPerDay: number;
    readonly cooldownMinutes: number;
  };
  readonly paymentMethodId: string;
  readonly noticeMinutes: number;
  readonly timeZone: string;
  readonly consent: {
    readonly termsVersion: string;
    readonly termsHash?: string;
    readonly at: string;
  };
  /** The number in the rule's ETag */
  readonly version: number;
  readonly status: RuleStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** `amount` is a whole number of minor units (fen, cents; whole yen), as at Stripe. */
export type Money = {
  readonly amount: number;
  /** ISO 4217 */
  readonly currency: string;
};

/** A paused rule was stopped by its owner, a suspended one by us: both rest until their owner resumes them. */
export type RuleStatus = {
  readonly state: "active";
} | {
  readonly state: "paused";
  readonly at: string;
} | {
  readonly state: "suspended";
  readonly at: string;
  readonly reason: "card-refused-for-good" | "declined-too-often" | "line-not-yours" | "currency-changed" | "payment-method-gone" | "amount-not-offered" | "carrier-refused" | "payment-disputed" | "paused-by-operator" | "family-ended" | "family-limit-reached";
};

export type Problem = {
  /** `urn:auto-recharge:problem:` and a stable code, which callers may decide by */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Each field at fault, and what would be right */
  readonly errors?: ({
    /** A JSON pointer into the body */
    readonly pointer: string;
    readonly detail: string;
  })[];
};

export type GatewayMessage = {
  readonly message: string;
};

export type RulePreviewSettings = {
  /** The number of an eSIM; its last digit is a Luhn check digit */
  readonly iccid: string;
  readonly threshold: NonNegativeMoney;
  readonly topUp: {
    readonly type: "fixed";
    readonly amount: PositiveMoney;
  } | {
    readonly type: "target";
    readonly target: PositiveMoney;
  };
  readonly limits: {
    readonly perMonth: PositiveMoney;
    readonly timesPerDay?: number;
    readonly cooldownMinutes?: number;
  };
  readonly paymentMethodId?: string;
  readonly noticeMinutes?: 0 | number;
  readonly timeZone: string;
};

export type RulePreview = {
  /** The rule in plain words, a sentence each */
  readonly words: {
    readonly "zh-CN": (string)[];
    readonly en: (string)[];
  };
  /** What would happen at once: what would be charged, or why nothing */
  readonly now: {
    readonly balance: Money | null;
    readonly readAt: string | null;
    readonly isLow: boolean | null;
    readonly wouldCharge: Money | null;
    readonly whyNot: {
      readonly reason: "card-refused-for-good" | "declined-too-often" | "line-not-yours" | "currency-changed" | "payment-method-gone" | "amount-not-offered" | "carrier-refused" | "payment-disputed" | "paused-by-operator" | "family-ended" | "family-limit-reached" | "no-active-rule" | "already-open" | "quiet" | "balance-ok" | "cooling-down" | "daily-limit" | "cap-reached" | "card-backing-off" | "balance-unknown" | "balance-outdated";
      readonly until?: string;
    } | null;
  };
  /** The most that the limits allow to be charged in a month */
  readonly worstCasePerMonth: Money;
  /** What is agreed to by sending the hash as consent */
  readonly terms: {
    readonly version: string;
    readonly text: {
      readonly "zh-CN": string;
      readonly en: string;
    };
    readonly hash: string;
  };
  /** Whether these settings need a new consent to be saved */
  readonly consentNeeded: boolean;
};

export type RuleSettings = {
  readonly threshold: NonNegativeMoney;
  readonly topUp: {
    readonly type: "fixed";
    readonly amount: PositiveMoney;
  } | {
    readonly type: "target";
    readonly target: PositiveMoney;
  };
  readonly limits: {
    readonly perMonth: PositiveMoney;
    readonly timesPerDay?: number;
    readonly cooldownMinutes?: number;
  };
  readonly paymentMethodId?: string;
  readonly noticeMinutes?: 0 | number;
  readonly timeZone: string;
  readonly consent?: {
    readonly termsHash: string;
  };
};

/** What the caller agreed to: a rule in plain words, and the terms as they were then. */
export type Terms = {
  readonly termsHash: string;
  readonly version: string;
  readonly words: {
    readonly "zh-CN": (string)[];
    readonly en: (string)[];
  };
  readonly text: {
    readonly "zh-CN": string;
    readonly en: string;
  };
};

export type Esim = {
  readonly iccid: string;
  /** ISO 4217 */
  readonly currency: string;
  readonly rule: {
    readonly status: RuleStatus;
    /** What is left of the rule's monthly cap */
    readonly leftThisMonth: Money;
  } | null;
  readonly openRecharge: {
    readonly rechargeId: string;
    readonly amount: Money;
    readonly state: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "ended";
    readonly reservedAt: string;
  } | null;
  /** What is available on the line; null when the carrier does not say it, and always on a line of somebody else's, which the caller pays for */
  readonly balance: Money | null;
  readonly balanceReadAt: string | null;
  readonly family?: FamilyTerms;
};

/** The line is somebody else's, who lets the caller pay for it. */
export type FamilyTerms = {
  /** From then on nothing is charged for the line */
  readonly until: string;
  /** The most that may ever be charged for it */
  readonly lifetimeCap: Money;
  /** What was charged for it, less what was given back */
  readonly spent: Money;
  /** By which the caller agreed to pay for it */
  readonly consent?: {
    readonly termsVersion: string;
    readonly at: string;
  };
};

export type FamilyCodeRequest = {
  /** The number of an eSIM; its last digit is a Luhn check digit */
  readonly iccid: string;
  readonly language?: "zh-CN" | "en";
};

/** A line of somebody else's that the caller pays for. They never see its balance. */
export type FamilyLine = {
  readonly iccid: string;
  /** From then on nothing is charged for the line */
  readonly until: string;
  /** The most that may ever be charged for it */
  readonly lifetimeCap: Money;
  /** What was charged for it, less what was given back */
  readonly spent: Money;
  readonly consent: {
    readonly termsVersion: string;
    readonly at: string;
  };
};

export type NewFamilyLine = {
  readonly code: string;
  readonly until: string;
  readonly lifetimeCap: PositiveMoney;
  readonly consent: {
    readonly termsVersion: "2026-11-28";
  };
};

export type NewRecharge = {
  /** The number of an eSIM; its last digit is a Luhn check digit */
  readonly iccid: string;
  readonly amount: PositiveMoney;
  readonly paymentMethodId?: string;
};

/** An ended recharge. It never changes any more. */
export type Bill = {
  readonly rechargeId: string;
  /** The last four digits of the line's ICCID */
  readonly lineLastFour: string;
  /** What is, or was, to be recharged */
  readonly amount: Money;
  readonly method: {
    readonly id: string;
    readonly brand: string;
    readonly lastFour: string;
  };
  /** Who wanted it: a rule whose line was low; its payer, there and then; or the backup of a way to pay that was declined */
  readonly origin: "rule" | "payer" | "backup";
  /** 0 where no rule stands behind it */
  readonly ruleVersion: number;
  /** What the recharge stands on: GET /v1/terms/{termsHash} shows it; `asked-by-payer` as the version where its payer asked for this one themselves */
  readonly consent: {
    readonly termsVersion: string;
    readonly termsHash?: string;
    readonly at: string;
    readonly timeZone: string;
  };
  /** The balance on which it was decided; missing where the line is somebody else's */
  readonly reading?: {
    readonly balance: Money;
    readonly readAt: string;
  };
  /** The line is somebody else's, who lets the caller pay for it: on these terms, as they were when it was decided */
  readonly family?: FamilyTerms;
  readonly reservedAt: string;
  readonly status: "succeeded" | "declined" | "cancelled" | "expired" | "refunded";
  /** Why it did not succeed */
  readonly reason?: string;
  readonly charged: Money;
  readonly credited: Money;
  /** What was given back before it ended; later refunds are adjustments */
  readonly refunded: Money;
  readonly paymentIntentId?: string;
  /** The month and day in which it counts towards the limits */
  readonly period: {
    readonly month: string;
    readonly day: string;
  };
  readonly paidAt?: string;
  readonly endedAt: string;
};

export type AdjustedBill = {
  readonly rechargeId: string;
  /** The last four digits of the line's ICCID */
  readonly lineLastFour: string;
  /** What is, or was, to be recharged */
  readonly amount: Money;
  readonly method: {
    readonly id: string;
    readonly brand: string;
    readonly lastFour: string;
  };
  /** Who wanted it: a rule whose line was low; its payer, there and then; or the backup of a way to pay that was declined */
  readonly origin: "rule" | "payer" | "backup";
  /** 0 where no rule stands behind it */
  readonly ruleVersion: number;
  /** What the recharge stands on: GET /v1/terms/{termsHash} shows it; `asked-by-payer` as the version where its payer asked for this one themselves */
  readonly consent: {
    readonly termsVersion: string;
    readonly termsHash?: string;
    readonly at: string;
    readonly timeZone: string;
  };
  /** The balance on which it was decided; missing where the line is somebody else's */
  readonly reading?: {
    readonly balance: Money;
    readonly readAt: string;
  };
  /** The line is somebody else's, who lets the caller pay for it: on these terms, as they were when it was decided */
  readonly family?: FamilyTerms;
  readonly reservedAt: string;
  readonly status: "succeeded" | "declined" | "cancelled" | "expired" | "refunded";
  /** Why it did not succeed */
  readonly reason?: string;
  readonly charged: Money;
  readonly credited: Money;
  /** What was given back before it ended; later refunds are adjustments */
  readonly refunded: Money;
  readonly paymentIntentId?: string;
  /** The month and day in which it counts towards the limits */
  readonly period: {
    readonly month: string;
    readonly day: string;
  };
  readonly paidAt?: string;
  readonly endedAt: string;
  readonly adjustments: (Adjustment)[];
};

/** Something that happened to the payment since the recharge ended. */
export type Adjustment = {
  readonly adjustmentId: string;
  readonly kind: "refunded" | "refund-failed" | "dispute-opened" | "dispute-won" | "dispute-lost" | "paid-after-end";
  readonly amount: Money;
  readonly at: string;
};

export type OpenRecharge = {
  readonly rechargeId: string;
  /** The last four digits of the line's ICCID */
  readonly lineLastFour: string;
  /** What is, or was, to be recharged */
  readonly amount: Money;
  readonly method: {
    readonly id: string;
    readonly brand: string;
    readonly lastFour: string;
  };
  /** Who wanted it: a rule whose line was low; its payer, there and then; or the backup of a way to pay that was declined */
  readonly origin: "rule" | "payer" | "backup";
  /** 0 where no rule stands behind it */
  readonly ruleVersion: number;
  /** What the recharge stands on: GET /v1/terms/{termsHash} shows it; `asked-by-payer` as the version where its payer asked for this one themselves */
  readonly consent: {
    readonly termsVersion: string;
    readonly termsHash?: string;
    readonly at: string;
    readonly timeZone: string;
  };
  /** The balance on which it was decided; missing where the line is somebody else's */
  readonly reading?: {
    readonly balance: Money;
    readonly readAt: string;
  };
  /** The line is somebody else's, who lets the caller pay for it: on these terms, as they were when it was decided */
  readonly family?: FamilyTerms;
  readonly reservedAt: string;
  readonly status: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "succeeded" | "declined" | "cancelled" | "expired" | "refunded";
  /** When an announced recharge is charged, unless it is skipped before */
  readonly chargeAt?: string;
  /** Its payer does not want it any more; it ends unpaid, unless it was paid before that is seen */
  readonly isCalledOff: boolean;
  /** What the customer's browser needs to pay this very PaymentIntent at Stripe, and until when */
  readonly action?: {
    readonly expiresAt: string;
    readonly clientSecret?: string;
  };
};

/** Noted, and about to be made: read it again in a second. */
export type RequestedRecharge = {
  readonly rechargeId: string;
  readonly lineLastFour: string;
  readonly status: "requested";
  readonly amount: Money;
  readonly method: {
    readonly id: string;
    readonly brand: string;
    readonly lastFour: string;
  };
  readonly isCalledOff: boolean;
};

export type SetupIntent = {
  readonly setupIntentId: string;
  readonly clientSecret: string;
};

/** `setupIntentId` must be given for a card, and never for WeChat Pay. Alipay with it is charged by itself, where the operator offers that; without it, it asks each time. */
export type NewPaymentMethod = {
  readonly type: "card" | "alipay" | "wechat_pay";
  readonly setupIntentId?: string;
};

/** A card can be charged with its owner away, and so can an Alipay that was set up for it. With WeChat Pay, and with any other Alipay, each recharge is a request that the customer confirms. */
export type PaymentMethod = {
  readonly paymentMethodId: string;
  readonly type: "card" | "alipay" | "wechat_pay";
  readonly brand: string;
  /** Empty where there is no number */
  readonly lastFour: string;
  /** It cannot be charged with the customer away: each recharge is a request that they confirm */
  readonly asksEachTime: boolean;
  /** Rules that name no way to pay take the default; the backup is tried once, at once, where another is declined and may be tried again */
  readonly use: "default" | "backup" | "none";
  /** The last month in which a card can be used */
  readonly expiry?: {
    readonly month: number;
    readonly year: number;
  };
};

export type Me = {
  readonly subscriberId: string;
  /** As the issuer verified it */
  readonly email?: string;
  /** As the issuer verified it */
  readonly phoneNumber?: string;
  /** When the issuer last confirmed all of these addresses */
  readonly verifiedAt?: string;
  readonly language: "zh-CN" | "en";
  /** The one that was chosen, else that of the rule that was saved last, else UTC */
  readonly timeZone: string;
  /** Which notices are sent, and how; what is about money at risk is told in any case */
  readonly notices: {
    readonly channels: ("email" | "sms")[];
    readonly succeeded: boolean;
    readonly monthlySummary: boolean;
  };
  /** The account is being closed: nothing new is begun, what is open goes on to its end, then all but the bills and a pause by the operator is erased */
  readonly closing?: {
    readonly since: string;
  };
};

/** What is not named stays; `null` takes a choice back. */
export type MeChanges = {
  readonly language?: "zh-CN" | "en" | null;
  readonly timeZone?: string | null;
  readonly notices?: {
    readonly channels?: ("email" | "sms")[];
    readonly succeeded?: boolean;
    readonly monthlySummary?: boolean;
  } | null;
};

/** Everything that is held of you. */
export type Export = {
  readonly exportedAt: string;
  readonly profile: Me;
  readonly paymentMethods: ({
    readonly paymentMethodId: string;
    readonly type: "card" | "alipay" | "wechat_pay";
    readonly brand: string;
    /** Empty where there is no number */
    readonly lastFour: string;
    /** It cannot be charged with the customer away: each recharge is a request that they confirm */
    readonly asksEachTime: boolean;
    /** Rules that name no way to pay take the default; the backup is tried once, at once, where another is declined and may be tried again */
    readonly use: "default" | "backup" | "none";
    /** The last month in which a card can be used */
    readonly expiry?: {
      readonly month: number;
      readonly year: number;
    };
    /** What counts against it: see `severity` */
    readonly declines: ({
      readonly at: string;
      readonly code: string;
      readonly severity: "soft" | "hard" | "outage" | "dispute";
    })[];
  })[];
  /** What you agreed to, by the hashes that your rules and recharges name */
  readonly terms: (Terms)[];
  /** The lines that you pay for, or did, with what the limits have counted */
  readonly lines: ({
    readonly iccid: string;
    readonly rule?: Rule;
    readonly spend?: {
      readonly month: string;
      readonly monthAmounts: (Money)[];
      readonly day: string;
      readonly dayCount: number;
      readonly lastEndedAt: string;
    };
    readonly openRecharge?: {
      readonly rechargeId: string;
      /** The last four digits of the line's ICCID */
      readonly lineLastFour: string;
      /** What is, or was, to be recharged */
      readonly amount: Money;
      readonly method: {
        readonly id: string;
        readonly brand: string;
        readonly lastFour: string;
      };
      /** Who wanted it: a rule whose line was low; its payer, there and then; or the backup of a way to pay that was declined */
      readonly origin: "rule" | "payer" | "backup";
      /** 0 where no rule stands behind it */
      readonly ruleVersion: number;
      /** What the recharge stands on: GET /v1/terms/{termsHash} shows it; `asked-by-payer` as the version where its payer asked for this one themselves */
      readonly consent: {
        readonly termsVersion: string;
        readonly termsHash?: string;
        readonly at: string;
        readonly timeZone: string;
      };
      /** The balance on which it was decided; missing where the line is somebody else's */
      readonly reading?: {
        readonly balance: Money;
        readonly readAt: string;
      };
      /** The line is somebody else's, who lets the caller pay for it: on these terms, as they were when it was decided */
      readonly family?: FamilyTerms;
      readonly reservedAt: string;
      readonly status: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "succeeded" | "declined" | "cancelled" | "expired" | "refunded";
      /** When an announced recharge is charged, unless it is skipped before */
      readonly chargeAt?: string;
      /** Its payer does not want it any more; it ends unpaid, unless it was paid before that is seen */
      readonly isCalledOff: boolean;
      /** What the customer's browser needs to pay this very PaymentIntent at Stripe, and until when */
      readonly action?: {
        readonly expiresAt: string;
        readonly clientSecret?: string;
      };
      /** Why it was made: the rule as it was, the balance, and what its limits had counted; kept for 400 days */
      readonly why?: {
        readonly iccid: string;
        readonly at: string;
        readonly rule?: {
          readonly version: number;
          readonly threshold: Money;
          readonly topUp: {
            readonly type: "fixed";
            readonly amount: Money;
          } | {
            readonly type: "target";
            readonly target: Money;
          };
          readonly limits: {
            readonly perMonth: Money;
            readonly timesPerDay: number;
            readonly cooldownMinutes: number;
          };
          readonly paymentMethodId: string;
          readonly noticeMinutes?: number;
        };
        readonly origin?: "payer" | "backup";
        readonly reading?: {
          readonly balance: Money;
          readonly readAt: string;
        };
        readonly spend?: {
          readonly month: string;
          readonly monthAmounts: (Money)[];
          readonly day: string;
          readonly dayCount: number;
          readonly lastEndedAt: string;
        };
        readonly declines: number;
      };
      /** What was asked of Stripe and the carrier, and what came back; kept for 400 days */
      readonly steps: ({
        readonly at: string;
        readonly state: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "ended";
        readonly asked: string;
        readonly answer: {
          readonly [name: string]: unknown;
        };
      })[];
    };
    readonly requestedRecharge?: {
      readonly rechargeId: string;
      readonly lineLastFour: string;
      readonly status: "requested";
      readonly amount: Money;
      readonly method: {
        readonly id: string;
        readonly brand: string;
        readonly lastFour: string;
      };
      readonly isCalledOff: boolean;
      /** Why it was made: the rule as it was, the balance, and what its limits had counted; kept for 400 days */
      readonly why?: {
        readonly iccid: string;
        readonly at: string;
        readonly rule?: {
          readonly version: number;
          readonly threshold: Money;
          readonly topUp: {
            readonly type: "fixed";
            readonly amount: Money;
          } | {
            readonly type: "target";
            readonly target: Money;
          };
          readonly limits: {
            readonly perMonth: Money;
            readonly timesPerDay: number;
            readonly cooldownMinutes: number;
          };
          readonly paymentMethodId: string;
          readonly noticeMinutes?: number;
        };
        readonly origin?: "payer" | "backup";
        readonly reading?: {
          readonly balance: Money;
          readonly readAt: string;
        };
        readonly spend?: {
          readonly month: string;
          readonly monthAmounts: (Money)[];
          readonly day: string;
          readonly dayCount: number;
          readonly lastEndedAt: string;
        };
        readonly declines: number;
      };
      /** What was asked of Stripe and the carrier, and what came back; kept for 400 days */
      readonly steps: ({
        readonly at: string;
        readonly state: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "ended";
        readonly asked: string;
        readonly answer: {
          readonly [name: string]: unknown;
        };
      })[];
    };
    readonly family?: FamilyTerms;
  })[];
  /** Your ended recharges, newest first; `next` where there are earlier ones */
  readonly recharges: ({
    readonly bill: AdjustedBill;
    /** Why it was made: the rule as it was, the balance, and what its limits had counted; kept for 400 days */
    readonly why?: {
      readonly iccid: string;
      readonly at: string;
      readonly rule?: {
        readonly version: number;
        readonly threshold: Money;
        readonly topUp: {
          readonly type: "fixed";
          readonly amount: Money;
        } | {
          readonly type: "target";
          readonly target: Money;
        };
        readonly limits: {
          readonly perMonth: Money;
          readonly timesPerDay: number;
          readonly cooldownMinutes: number;
        };
        readonly paymentMethodId: string;
        readonly noticeMinutes?: number;
      };
      readonly origin?: "payer" | "backup";
      readonly reading?: {
        readonly balance: Money;
        readonly readAt: string;
      };
      readonly spend?: {
        readonly month: string;
        readonly monthAmounts: (Money)[];
        readonly day: string;
        readonly dayCount: number;
        readonly lastEndedAt: string;
      };
      readonly declines: number;
    };
    /** What was asked of Stripe and the carrier, and what came back; kept for 400 days */
    readonly steps: ({
      readonly at: string;
      readonly state: "announced" | "reserved" | "confirming" | "processing" | "awaiting-customer" | "crediting" | "refunding" | "closing" | "needs-review" | "ended";
      readonly asked: string;
      readonly answer: {
        readonly [name: string]: unknown;
      };
    })[];
  })[];
  /** The notices that were sent to you in the last 90 days */
  readonly notices: ({
    readonly eventId: string;
    readonly at: string;
  })[];
  /** The operator has paused recharges of your account */
  readonly hold?: {
    readonly at: string;
    readonly why: string;
  };
  /** Send it as the parameter `page` for the same document with earlier recharges */
  readonly next?: string;
};

export type PayLink = {
  /** Waits for its payer; will be charged by itself unless it is skipped; was declined or skipped; or nothing can be done here any more */
  readonly status: "awaiting-customer" | "announced" | "called-off" | "in-progress";
  readonly lineLastFour: string;
  readonly amount: Money;
  /** Why: the line is below this; missing where its payer asked for it */
  readonly threshold?: Money;
  readonly method: {
    readonly type: "card" | "alipay" | "wechat_pay";
    readonly brand: string;
    readonly lastFour: string;
  };
  /** Until when it can be confirmed, or skipped */
  readonly until?: string;
  /** What Stripe's library needs to confirm this very payment; only while it waits for its payer */
  readonly action?: {
    readonly clientSecret: string;
    readonly paymentMethodId?: string;
    readonly publishableKey?: string;
  };
};

export interface paths {
  readonly "/v1/rules": {
    /** Save the first rule of a line. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": NewRule } };
      readonly responses: {
        readonly 201: { readonly content: { readonly "application/json": Rule } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:rule-exists" | "urn:auto-recharge:problem:consent-needed" | "urn:auto-recharge:problem:threshold-too-soon";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-makes-no-sense";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** List my rules. */
    readonly get: {
      readonly parameters: {
        readonly query?: { readonly "page"?: string };
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly data: (Rule)[];
          /** Send it as the parameter `page` to read on; missing on the last page */
          readonly next?: string;
        } } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:invalid-page";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/rules/preview": {
    /** Review a rule before it is saved. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": RulePreviewSettings } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": RulePreview } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:threshold-too-soon";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-makes-no-sense";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/rules/{iccid}": {
    /** Read the rule of a line. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Rule } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Replace the settings of a rule. */
    readonly put: {
      readonly parameters: {
        readonly query?: never;
        readonly header: { readonly "If-Match": string };
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody: { readonly content: { readonly "application/json": RuleSettings } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Rule } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body" | "urn:auto-recharge:problem:invalid-if-match";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:consent-needed" | "urn:auto-recharge:problem:threshold-too-soon";
        } } };
        readonly 412: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-changed";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-makes-no-sense";
        } } };
        readonly 428: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:if-match-required";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Pause or resume a rule. */
    readonly patch: {
      readonly parameters: {
        readonly query?: never;
        readonly header: { readonly "If-Match": string };
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody: { readonly content: { readonly "application/json": {
          readonly status: "active" | "paused";
        } } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Rule } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body" | "urn:auto-recharge:problem:invalid-if-match";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:consent-needed" | "urn:auto-recharge:problem:card-refused-for-good" | "urn:auto-recharge:problem:payment-method-gone";
        } } };
        readonly 412: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-changed";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 428: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:if-match-required";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Delete a rule. */
    readonly delete: {
      readonly parameters: {
        readonly query?: never;
        readonly header: { readonly "If-Match": string };
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 204: { readonly content: { readonly [type in never]: never } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:invalid-if-match";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 412: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:rule-changed";
        } } };
        readonly 428: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:if-match-required";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/terms/{termsHash}": {
    /** Read terms that I agreed to. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "termsHash": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Terms } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/esims": {
    /** List my lines. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly data: (Esim)[];
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/family-lines": {
    /** Ask the holder of a line to let me pay for it. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": FamilyCodeRequest } };
      readonly responses: {
        readonly 202: { readonly content: { readonly [type in never]: never } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** List the lines of others that I pay for. */
    readonly get: {
      readonly parameters: {
        readonly query?: { readonly "page"?: string };
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly data: (FamilyLine)[];
          /** Send it as the parameter `page` to read on; missing on the last page */
          readonly next?: string;
        } } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:invalid-page";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/family-lines/{iccid}": {
    /** Pay for a line of somebody else's from now on. */
    readonly put: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody: { readonly content: { readonly "application/json": NewFamilyLine } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": FamilyLine } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:line-has-a-rule" | "urn:auto-recharge:problem:account-closing";
        } } };
        readonly 410: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:code-expired";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:wrong-code" | "urn:auto-recharge:problem:grant-makes-no-sense";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Pay for a line of somebody else's no more. */
    readonly delete: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "iccid": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 204: { readonly content: { readonly [type in never]: never } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/recharges": {
    /** Recharge a line now. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header: { readonly "Idempotency-Key": string };
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": NewRecharge } };
      readonly responses: {
        readonly 202: { readonly content: { readonly "application/json": {
          readonly rechargeId: string;
        } } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body" | "urn:auto-recharge:problem:invalid-idempotency-key";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:recharge-open";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:recharge-makes-no-sense" | "urn:auto-recharge:problem:idempotency-key-reused";
        } } };
        readonly 428: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:idempotency-key-required";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** List my ended recharges. */
    readonly get: {
      readonly parameters: {
        readonly query?: { readonly "page"?: string };
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly data: (Bill)[];
          /** Send it as the parameter `page` to read on; missing on the last page */
          readonly next?: string;
        } } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:invalid-page";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/recharges/{rechargeId}/cancel": {
    /** Call off a recharge that is not paid. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "rechargeId": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 202: { readonly content: { readonly [type in never]: never } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:recharge-too-far";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/recharges/{rechargeId}": {
    /** Read one recharge. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "rechargeId": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": AdjustedBill | OpenRecharge | RequestedRecharge } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/payment-methods/setup-intents": {
    /** Begin to save a card. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 201: { readonly content: { readonly "application/json": SetupIntent } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:too-many-payment-methods";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/payment-methods/setup-intents/alipay": {
    /** Begin to save an Alipay that may be charged with its owner away. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 201: { readonly content: { readonly "application/json": SetupIntent } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:too-many-payment-methods";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:alipay-asks-each-time";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/payment-methods": {
    /** Save a way to pay. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": NewPaymentMethod } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": PaymentMethod } };
        readonly 201: { readonly content: { readonly "application/json": PaymentMethod } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing" | "urn:auto-recharge:problem:setup-not-finished" | "urn:auto-recharge:problem:payment-method-gone" | "urn:auto-recharge:problem:too-many-payment-methods";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:alipay-asks-each-time" | "urn:auto-recharge:problem:no-such-setup";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** List my ways to pay. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly data: (PaymentMethod)[];
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/payment-methods/{paymentMethodId}": {
    /** Make a way to pay the default or the backup. */
    readonly patch: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "paymentMethodId": string };
      };
      readonly requestBody: { readonly content: { readonly "application/json": {
          readonly use: "default" | "backup" | "none";
        } } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": PaymentMethod } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 422: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:cannot-be-backup";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Remove a way to pay. */
    readonly delete: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "paymentMethodId": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 204: { readonly content: { readonly [type in never]: never } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:payment-method-in-use";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/me": {
    /** Who I am here, and what I chose. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Me } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Choose language, time zone and notices. */
    readonly patch: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": MeChanges } };
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Me } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:malformed-json" | "urn:auto-recharge:problem:invalid-body";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:account-closing";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 415: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:json-required";
        } } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
    /** Close my account and have me forgotten. */
    readonly delete: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 202: { readonly content: { readonly "application/json": {
          /** The account is being closed: nothing new is begun, what is open goes on to its end, then all but the bills and a pause by the operator is erased */
          readonly closing: {
            readonly since: string;
          };
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/me/export": {
    /** Everything that is held of me. */
    readonly get: {
      readonly parameters: {
        readonly query?: { readonly "page"?: string };
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": Export } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:invalid-page";
        } } };
        readonly 401: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 403: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:caller-unknown" | "urn:auto-recharge:problem:no-subject";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-many-requests";
        }; readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/pay-links/{token}": {
    /** What a link in a notice is about. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "token": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": PayLink } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 410: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:link-expired" | "urn:auto-recharge:problem:link-over";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/v1/pay-links/{token}/decline": {
    /** Decline a payment, or skip an announced one. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "token": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": PayLink } };
        readonly 404: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-late";
        } } };
        readonly 410: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:link-expired" | "urn:auto-recharge:problem:link-over";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/pay/{token}": {
    /** The page of a link in a notice. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "token": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "text/html": string } };
        readonly 404: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 410: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:link-expired" | "urn:auto-recharge:problem:link-over";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/pay/{token}/decline": {
    /** Decline or skip on the page of a link. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path: { readonly "token": string };
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "text/html": string } };
        readonly 404: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-found";
        } } };
        readonly 409: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:too-late";
        } } };
        readonly 410: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:link-expired" | "urn:auto-recharge:problem:link-over";
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/openapi.json": {
    /** Read this document. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "application/json": {
          readonly openapi: string;
          readonly [name: string]: unknown;
        } } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/docs": {
    /** Read this document as a page. */
    readonly get: {
      readonly parameters: {
        readonly query?: never;
        readonly header?: never;
        readonly path?: never;
      };
      readonly requestBody?: never;
      readonly responses: {
        readonly 200: { readonly content: { readonly "text/html": string } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "text/html": string; readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
  readonly "/webhooks/stripe": {
    /** Take an event of Stripe's. */
    readonly post: {
      readonly parameters: {
        readonly query?: never;
        readonly header: { readonly "Stripe-Signature": string };
        readonly path?: never;
      };
      readonly requestBody: { readonly content: { readonly "application/json": {
          readonly type: string;
          readonly [name: string]: unknown;
        } } };
      readonly responses: {
        readonly 200: { readonly content: { readonly [type in never]: never } };
        readonly 400: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:not-from-stripe" | "urn:auto-recharge:problem:unreadable-event";
        } } };
        readonly 413: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:body-too-large";
        }; readonly "application/json": GatewayMessage } };
        readonly 429: { readonly content: { readonly "application/json": GatewayMessage } };
        readonly 500: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:internal";
        }; readonly "application/json": GatewayMessage } };
        readonly 503: { readonly content: { readonly "application/problem+json": Problem & {
          readonly type?: "urn:auto-recharge:problem:webhooks-not-set-up" | "urn:auto-recharge:problem:try-again";
        }; readonly "application/json": GatewayMessage } };
      };
    };
  };
}
