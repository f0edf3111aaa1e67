date = Date
card = Card
method = Paid by
series = Agreement
next-debit = Next debit

paid-subject = You have paid { $amount } to { $merchant }
paid-headline = Thank you for your payment
paid-lead = { $merchant } has received your payment of { $amount }.
paid-foot = Questions about the order go to { $merchant }.

unpaid-subject = Your payment to { $merchant } was not made
unpaid-headline = The payment was declined
unpaid-lead = Your payment of { $amount } to { $merchant } was declined. Nothing was paid.
unpaid-foot = Questions about the order go to { $merchant }.

held-subject = { $merchant } has reserved { $amount }
held-headline = An amount is reserved
held-lead = { $amount } is reserved for { $merchant }. You pay when the order is carried out.
held-foot = Questions about the order go to { $merchant }.

released-subject = { $merchant } has released { $amount }
released-headline = A reservation is released
released-lead = { $merchant } has released { $amount } that was reserved. It is not charged.
released-foot = How soon your bank shows it is up to the bank.

unreleased-subject = A reservation by { $merchant } stays
unreleased-headline = The reservation was not released
unreleased-lead = { $merchant } wanted to release { $amount }; that was declined. It ends by itself later.
unreleased-foot = Questions about the order go to { $merchant }.

paid-out-subject = { $merchant } has paid you { $amount }
paid-out-headline = A payout is on its way
paid-out-lead = { $merchant } has paid out { $amount } to you.
paid-out-foot = How soon your bank shows it is up to the bank.

not-paid-out-subject = The payout from { $merchant } was not made
not-paid-out-headline = The payout was declined
not-paid-out-lead = { $merchant } wanted to pay out { $amount } to you; that was declined.
not-paid-out-foot = Questions about the payout go to { $merchant }.

returned-subject = { $merchant } gives { $amount } back
returned-headline = Your money comes back
returned-lead = { $merchant } gives you { $amount } back.
returned-foot = How soon your bank shows it is up to the bank.

not-returned-subject = A refund from { $merchant } was not made
not-returned-headline = The refund was declined
not-returned-lead = { $merchant } wanted to give you { $amount } back; that was declined.
not-returned-foot = Questions about the order go to { $merchant }.

series-changed-subject = Your agreement with { $merchant } has changed
series-changed-headline = Regular payments have changed
series-changed-lead = This is how your agreement with { $merchant } stands now.
series-changed-foot = You did not expect this? Ask { $merchant }.

series-ended-subject = Your agreement with { $merchant } has ended
series-ended-headline = Nothing more is debited
series-ended-lead = Your agreement with { $merchant } has ended. Nothing more is debited under it.
series-ended-foot = Questions about it go to { $merchant }.
