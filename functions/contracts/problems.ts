import * as z from "zod/mini";

/** What comes before the code in a problem's `type`. */
export const PROBLEM_PREFIX = "urn:auto-recharge:problem:";

/** The body of every refusal by the functions. Source: RFC 9457 */
export const problemReply = z
  .object({
    type: z.string().check(z.describe("`urn:auto-recharge:problem:` and a stable code, which callers may decide by")),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z.optional(
      z
        .array(z.object({ pointer: z.string().check(z.describe("A JSON pointer into the body")), detail: z.string() }))
        .check(z.describe("Each field at fault, and what would be right")),
    ),
  })
  .register(z.globalRegistry, { id: "Problem" });

/**
 * Everything by which a request can be refused: the stable code, which callers may decide by, and its status.
 *
 * Which routes answer with which stands in the route table, and in the OpenAPI document that is made of it.
 */
export const PROBLEMS = {
  "malformed-json": { status: 400, says: "The body is no JSON." },
  "invalid-body": { status: 400, says: "The body is not what this route takes; `errors` says what would be right." },
  "invalid-page": { status: 400, says: "`page` is not the `next` of an answer of this list." },
  "invalid-if-match": { status: 400, says: "`If-Match` is no ETag of this API." },
  "invalid-idempotency-key": { status: 400, says: "`Idempotency-Key` must be 8 to 255 visible ASCII characters, one for each wish." },
  "not-from-stripe": { status: 400, says: "Nothing shows that Stripe has just sent this." },
  "unreadable-event": { status: 400, says: "This is not an event as Stripe describes them." },
  "no-subject": { status: 403, says: "The token names nobody." },
  "caller-unknown": { status: 403, says: "The issuer does not say who you are: sign in again, with the scope `openid`." },
  "not-found": { status: 404, says: "There is nothing of that name, or it is somebody else's." },
  "recharge-open": { status: 409, says: "Another recharge of this line is open: if it is yours, its Location says which." },
  "recharge-too-far": { status: 409, says: "It has ended, or is being paid already." },
  "rule-exists": { status: 409, says: "The line has a rule already." },
  "consent-needed": { status: 409, says: "Nobody agreed to these settings: ask for the preview again, and send the hash of its terms." },
  "threshold-too-soon": { status: 409, says: "The threshold of a line of somebody else's can be changed once a day; nothing was changed." },
  "card-refused-for-good": { status: 409, says: "The bank refuses the rule's card for good: choose another way to pay." },
  "payment-method-gone": { status: 409, says: "The way to pay was removed." },
  "payment-method-in-use": { status: 409, says: "An open recharge uses this way to pay." },
  "setup-not-finished": { status: 409, says: "The way to pay is not set up yet: finish that in the browser, then send this again." },
  "too-many-payment-methods": { status: 409, says: "You have as many ways to pay as anybody may have." },
  "account-closing": { status: 409, says: "The account is being closed: nothing new is begun." },
  "too-late": { status: 409, says: "The recharge is being paid, or was paid: it cannot be called off any more." },
  "link-expired": { status: 410, says: "The link's time is over." },
  "link-over": { status: 410, says: "What the link was for has ended." },
  "line-has-a-rule": { status: 409, says: "Somebody has a rule on this line already; its holder may take it over or delete it." },
  "code-expired": { status: 410, says: "There is no code that is still good: it is too old, was tried too often, or was never asked for. Ask for a new one." },
  "rule-changed": { status: 412, says: "The rule was changed since you read it: read it again." },
  "body-too-large": { status: 413, says: "The body is too large." },
  "json-required": { status: 415, says: "The body is not sent as application/json, in UTF-8." },
  "rule-makes-no-sense": { status: 422, says: "The rule would never do what it says; `errors` says what would be right." },
  "recharge-makes-no-sense": { status: 422, says: "This sum cannot be charged or credited, or not by this way to pay; `errors` says what would be right." },
  "idempotency-key-reused": { status: 422, says: "The same `Idempotency-Key` was sent with another line, sum or way to pay." },
  "cannot-be-backup": { status: 422, says: "A way to pay that cannot be charged with the customer away cannot be a backup." },
  "wrong-code": { status: 422, says: "This is not the code; `errors` says how many tries are left." },
  "grant-makes-no-sense": { status: 422, says: "This line cannot be paid for like this; `errors` says what would be right." },
  "no-such-setup": { status: 422, says: "You have not begun such a setup." },
  "alipay-asks-each-time": { status: 422, says: "Here, Alipay cannot be charged with you away: save it without a setup, and it asks you for each recharge." },
  "idempotency-key-required": { status: 428, says: "Send an `Idempotency-Key` of your own, so that a repeated request is no second recharge." },
  "if-match-required": { status: 428, says: "Send the ETag of what you change in `If-Match`, so that no change of somebody else is lost." },
  "too-many-requests": { status: 429, says: "You did this as often as anybody may in an hour: `Retry-After` says when the next one begins." },
  internal: { status: 500, says: "Something went wrong on our side." },
  "try-again": { status: 503, says: "A system that we depend on does not answer; nothing was changed. `Retry-After` says when to ask again." },
  "webhooks-not-set-up": { status: 503, says: "The secret of this stage's webhooks is not known yet." },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;
