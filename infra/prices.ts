/**
 * Unit prices in USD, us-east-1, on demand, without free tiers and discounts. Elsewhere they differ: in ap-east-1 (Hong Kong) most are higher.
 *
 * Source: the pricing page of each service (https://aws.amazon.com/dynamodb/pricing/ and so on), as known on 2026-11-28: look again before you rely on them.
 */
export const PRICES = {
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  tableGigabyteMonth: 0.25,
  recoveryGigabyteMonth: 0.2,
  lambdaRequest: 0.2e-6,
  /** arm64. */
  lambdaGigabyteSecond: 13.3334e-6,
  queueRequest: 0.4e-6,
  event: 1e-6,
  tick: 1e-6,
  apiRequest: 1e-6,
  gigabyteSent: 0.09,
  gigabyteLogged: 0.5,
  trace: 5e-6,
  mail: 0.1e-3,
  monthlyActiveUser: 0.015,
  secretMonth: 0.4,
  alarmMonth: 0.1,
  metricMonth: 0.3,
  dashboardMonth: 3,
} as const;
