payment = Zahlung
amount = Betrag
description = Für
valid-until = Gültig bis
pay = { $amount } zahlen
fallback = Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:
by = Zahlungen mit Ferropay

link-subject = Ihre Zahlung von { $amount } an { $merchant }
link-headline = { $merchant } bittet Sie um { $amount }
link-lead = Öffnen Sie den Link, um die Zahlung anzusehen und die Zahlungsart zu wählen.
link-foot = Sie haben das nicht erwartet? Dann tun Sie nichts: Belastet wird nur, wer zahlt.

canceled-subject = { $merchant } hat eine Zahlung zurückgezogen
canceled-headline = Es ist nichts mehr zu zahlen
canceled-lead = { $merchant } hat die folgende Zahlung zurückgezogen. Der Link, den Sie erhalten haben, gilt nicht mehr.
canceled-foot = Fragen zur Bestellung beantwortet { $merchant }.

code-subject = Ihr Code für die Auszahlung von { $merchant }
code-headline = { $merchant } zahlt Ihnen { $amount } aus
code-lead = Geben Sie diesen Code auf der Seite ein, auf der Sie Ihre Karte angegeben haben:
code-foot = Sie haben keine Auszahlung verlangt? Dann geben Sie diesen Code niemandem.
