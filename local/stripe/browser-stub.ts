/**
 * Stands in for Stripe.js on the page of a pay link: its customer always pays, by what the page says, through the local model of Stripe.
 *
 * Who wants them to fail, or to pay with another card, uses POST /local/stripe/customer.
 */
export const STRIPE_JS_STUB = `
globalThis.Stripe = () => {
  const pay = async (clientSecret, pays) => {
    const reply = await fetch("/local/stripe/customer", { method: "POST", body: JSON.stringify({ clientSecret, pays }) });
    const told = await reply.json();
    return reply.ok && told.status !== "requires_payment_method" ? { paymentIntent: told } : { error: { message: told.detail ?? told.status } };
  };
  return {
    confirmCardPayment: (clientSecret, { payment_method }) => pay(clientSecret, payment_method),
    confirmWechatPayPayment: (clientSecret) => pay(clientSecret, "wechat_pay"),
    confirmAlipayPayment: (clientSecret, { payment_method = "alipay" }) => pay(clientSecret, payment_method),
  };
};
`;
