date = Data
card = Carta
method = Pagato con
series = Accordo
next-debit = Prossimo addebito

paid-subject = Ha pagato { $amount } a { $merchant }
paid-headline = Grazie per il pagamento
paid-lead = { $merchant } ha ricevuto il Suo pagamento di { $amount }.
paid-foot = Per domande sull’ordine si rivolga a { $merchant }.

unpaid-subject = Il Suo pagamento a { $merchant } non è avvenuto
unpaid-headline = Il pagamento è stato rifiutato
unpaid-lead = Il Suo pagamento di { $amount } a { $merchant } è stato rifiutato. Non è stato pagato nulla.
unpaid-foot = Per domande sull’ordine si rivolga a { $merchant }.

held-subject = { $merchant } ha riservato { $amount }
held-headline = Un importo è riservato
held-lead = { $amount } sono riservati per { $merchant }. Pagherà quando l’ordine sarà eseguito.
held-foot = Per domande sull’ordine si rivolga a { $merchant }.

released-subject = { $merchant } ha sbloccato { $amount }
released-headline = Una riserva è stata annullata
released-lead = { $merchant } ha sbloccato { $amount } che erano riservati. Non Le saranno addebitati.
released-foot = Quando sarà visibile dipende dalla Sua banca.

unreleased-subject = Una riserva di { $merchant } rimane
unreleased-headline = La riserva non è stata annullata
unreleased-lead = { $merchant } voleva sbloccare { $amount }, ma è stato rifiutato. La riserva terminerà da sola.
unreleased-foot = Per domande sull’ordine si rivolga a { $merchant }.

paid-out-subject = { $merchant } Le ha accreditato { $amount }
paid-out-headline = Un accredito è in arrivo
paid-out-lead = { $merchant } Le ha accreditato { $amount }.
paid-out-foot = Quando sarà visibile dipende dalla Sua banca.

not-paid-out-subject = L’accredito da { $merchant } non è avvenuto
not-paid-out-headline = L’accredito è stato rifiutato
not-paid-out-lead = { $merchant } voleva accreditarLe { $amount }, ma è stato rifiutato.
not-paid-out-foot = Per domande sull’accredito si rivolga a { $merchant }.

returned-subject = { $merchant } Le rimborsa { $amount }
returned-headline = Il Suo denaro torna indietro
returned-lead = { $merchant } Le rimborsa { $amount }.
returned-foot = Quando sarà visibile dipende dalla Sua banca.

not-returned-subject = Un rimborso da { $merchant } non è avvenuto
not-returned-headline = Il rimborso è stato rifiutato
not-returned-lead = { $merchant } voleva rimborsarLe { $amount }, ma è stato rifiutato.
not-returned-foot = Per domande sull’ordine si rivolga a { $merchant }.

series-changed-subject = Il Suo accordo con { $merchant } è cambiato
series-changed-headline = I pagamenti periodici sono cambiati
series-changed-lead = Questo è ora il Suo accordo con { $merchant }.
series-changed-foot = Non se lo aspettava? Chieda a { $merchant }.

series-ended-subject = Il Suo accordo con { $merchant } è terminato
series-ended-headline = Non ci saranno altri addebiti
series-ended-lead = Il Suo accordo con { $merchant } è terminato. Non ci saranno altri addebiti.
series-ended-foot = Per domande si rivolga a { $merchant }.
