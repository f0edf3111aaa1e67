payment = Payment
amount = Amount
description = For
valid-until = Valid until
pay = Pay { $amount }
fallback = If the button does not work, open this address:
by = Payments by Ferropay

link-subject = Your payment of { $amount } to { $merchant }
link-headline = { $merchant } asks you to pay { $amount }
link-lead = Open the link to see the payment and to choose how you pay.
link-foot = You did not expect this? Then do nothing: you are charged only if you pay.

canceled-subject = { $merchant } has withdrawn a payment
canceled-headline = Nothing is left to pay
canceled-lead = { $merchant } has withdrawn the payment below. The link you were sent does not work any more.
canceled-foot = Questions about the order go to { $merchant }.

code-subject = Your code for the payout from { $merchant }
code-headline = { $merchant } pays you { $amount }
code-lead = Type this code on the page where you entered your card:
code-foot = You asked for no payout? Then give this code to nobody.
