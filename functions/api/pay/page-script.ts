/**
 * What the page does in the browser: hands the payment to Stripe's library, which shows the bank's check or WeChat's QR code, or leads to Alipay.
 *
 * All that it knows stands in the page's element `payment`. When it is done the page is loaded anew, without what Stripe added to its address.
 *
 * Source: https://docs.stripe.com/js/payment_intents/confirm_card_payment, confirm_wechat_pay_payment and confirm_alipay_payment
 */
export const PAGE_SCRIPT = `
const payment = JSON.parse(document.getElementById("payment").textContent);
const button = document.getElementById("confirm");
const message = document.getElementById("message");
const page = location.origin + location.pathname;
const { clientSecret, type } = payment;
const confirmations = {
  card: (stripe) => stripe.confirmCardPayment(clientSecret, { payment_method: payment.paymentMethodId }),
  wechat_pay: (stripe) => stripe.confirmWechatPayPayment(clientSecret, { payment_method_options: { wechat_pay: { client: "web" } } }),
  alipay: (stripe) => stripe.confirmAlipayPayment(clientSecret, { ...(payment.paymentMethodId && { payment_method: payment.paymentMethodId }), return_url: page }),
};
if (location.search !== "") history.replaceState(null, "", page);
button.hidden = false;
button.addEventListener("click", async () => {
  button.disabled = true;
  message.textContent = payment.words.waiting;
  try {
    const { error, paymentIntent } = await confirmations[type](Stripe(payment.publishableKey));
    if (error) message.textContent = payment.words.failed + " " + (error.message ?? "");
    else if (paymentIntent?.status === "requires_action") message.textContent = "";
    else return location.replace(page);
  } catch (fault) {
    message.textContent = payment.words.failed + " " + fault.message;
  }
  button.disabled = false;
});
`;
