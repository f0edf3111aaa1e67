payment = Pagamento
amount = Importo
description = Causale
valid-until = Valido fino al
pay = Paga { $amount }
fallback = Se il pulsante non funziona, apra questo indirizzo:
by = Pagamenti con Ferropay

link-subject = Il Suo pagamento di { $amount } a { $merchant }
link-headline = { $merchant } Le chiede di pagare { $amount }
link-lead = Apra il link per vedere il pagamento e scegliere come pagare.
link-foot = Non si aspettava questo messaggio? Non faccia nulla: l’addebito avviene solo se paga.

canceled-subject = { $merchant } ha ritirato un pagamento
canceled-headline = Non c’è più nulla da pagare
canceled-lead = { $merchant } ha ritirato il pagamento seguente. Il link che ha ricevuto non è più valido.
canceled-foot = Per domande sull’ordine si rivolga a { $merchant }.

code-subject = Il Suo codice per l’accredito da { $merchant }
code-headline = { $merchant } Le accredita { $amount }
code-lead = Inserisca questo codice nella pagina in cui ha indicato la carta:
code-foot = Non ha chiesto alcun accredito? Non dia questo codice a nessuno.
