date = Datum
card = Karte
method = Bezahlt mit
series = Vereinbarung
next-debit = Nächste Abbuchung

paid-subject = Sie haben { $amount } an { $merchant } gezahlt
paid-headline = Danke für Ihre Zahlung
paid-lead = { $merchant } hat Ihre Zahlung von { $amount } erhalten.
paid-foot = Fragen zur Bestellung beantwortet { $merchant }.

unpaid-subject = Ihre Zahlung an { $merchant } kam nicht zustande
unpaid-headline = Die Zahlung wurde abgelehnt
unpaid-lead = Ihre Zahlung von { $amount } an { $merchant } wurde abgelehnt. Es wurde nichts gezahlt.
unpaid-foot = Fragen zur Bestellung beantwortet { $merchant }.

held-subject = { $merchant } hat { $amount } vorgemerkt
held-headline = Ein Betrag ist vorgemerkt
held-lead = { $amount } sind für { $merchant } vorgemerkt. Sie zahlen, wenn die Bestellung ausgeführt wird.
held-foot = Fragen zur Bestellung beantwortet { $merchant }.

released-subject = { $merchant } hat { $amount } freigegeben
released-headline = Eine Vormerkung ist aufgehoben
released-lead = { $merchant } hat vorgemerkte { $amount } freigegeben. Sie werden nicht belastet.
released-foot = Wann Ihre Bank das anzeigt, liegt an der Bank.

unreleased-subject = Eine Vormerkung von { $merchant } bleibt
unreleased-headline = Die Vormerkung wurde nicht aufgehoben
unreleased-lead = { $merchant } wollte { $amount } freigeben; das wurde abgelehnt. Die Vormerkung endet später von selbst.
unreleased-foot = Fragen zur Bestellung beantwortet { $merchant }.

paid-out-subject = { $merchant } hat Ihnen { $amount } ausgezahlt
paid-out-headline = Eine Auszahlung ist unterwegs
paid-out-lead = { $merchant } hat Ihnen { $amount } ausgezahlt.
paid-out-foot = Wann Ihre Bank das anzeigt, liegt an der Bank.

not-paid-out-subject = Die Auszahlung von { $merchant } kam nicht zustande
not-paid-out-headline = Die Auszahlung wurde abgelehnt
not-paid-out-lead = { $merchant } wollte Ihnen { $amount } auszahlen; das wurde abgelehnt.
not-paid-out-foot = Fragen zur Auszahlung beantwortet { $merchant }.

returned-subject = { $merchant } erstattet Ihnen { $amount }
returned-headline = Ihr Geld kommt zurück
returned-lead = { $merchant } erstattet Ihnen { $amount }.
returned-foot = Wann Ihre Bank das anzeigt, liegt an der Bank.

not-returned-subject = Eine Erstattung von { $merchant } kam nicht zustande
not-returned-headline = Die Erstattung wurde abgelehnt
not-returned-lead = { $merchant } wollte Ihnen { $amount } erstatten; das wurde abgelehnt.
not-returned-foot = Fragen zur Bestellung beantwortet { $merchant }.

series-changed-subject = Ihre Vereinbarung mit { $merchant } hat sich geändert
series-changed-headline = Regelmäßige Zahlungen haben sich geändert
series-changed-lead = So steht Ihre Vereinbarung mit { $merchant } jetzt.
series-changed-foot = Sie haben das nicht erwartet? Fragen Sie { $merchant }.

series-ended-subject = Ihre Vereinbarung mit { $merchant } ist zu Ende
series-ended-headline = Es wird nichts mehr abgebucht
series-ended-lead = Ihre Vereinbarung mit { $merchant } ist zu Ende. Es wird nichts mehr abgebucht.
series-ended-foot = Fragen dazu beantwortet { $merchant }.
