date = Date
card = Carte
method = Payé par
series = Accord
next-debit = Prochain prélèvement

paid-subject = Vous avez payé { $amount } à { $merchant }
paid-headline = Merci de votre paiement
paid-lead = { $merchant } a reçu votre paiement de { $amount }.
paid-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

unpaid-subject = Votre paiement à { $merchant } n’a pas été effectué
unpaid-headline = Le paiement a été refusé
unpaid-lead = Votre paiement de { $amount } à { $merchant } a été refusé. Rien n’a été payé.
unpaid-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

held-subject = { $merchant } a réservé { $amount }
held-headline = Un montant est réservé
held-lead = { $amount } sont réservés pour { $merchant }. Vous payez lorsque la commande est exécutée.
held-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

released-subject = { $merchant } a libéré { $amount }
released-headline = Une réservation est levée
released-lead = { $merchant } a libéré { $amount } qui étaient réservés. Ils ne vous sont pas débités.
released-foot = Le délai d’affichage dépend de votre banque.

unreleased-subject = Une réservation de { $merchant } demeure
unreleased-headline = La réservation n’a pas été levée
unreleased-lead = { $merchant } voulait libérer { $amount } ; cela a été refusé. La réservation prendra fin d’elle-même.
unreleased-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

paid-out-subject = { $merchant } vous a versé { $amount }
paid-out-headline = Un versement est en route
paid-out-lead = { $merchant } vous a versé { $amount }.
paid-out-foot = Le délai d’affichage dépend de votre banque.

not-paid-out-subject = Le versement de { $merchant } n’a pas été effectué
not-paid-out-headline = Le versement a été refusé
not-paid-out-lead = { $merchant } voulait vous verser { $amount } ; cela a été refusé.
not-paid-out-foot = Pour toute question sur le versement, adressez-vous à { $merchant }.

returned-subject = { $merchant } vous rembourse { $amount }
returned-headline = Votre argent vous est rendu
returned-lead = { $merchant } vous rembourse { $amount }.
returned-foot = Le délai d’affichage dépend de votre banque.

not-returned-subject = Un remboursement de { $merchant } n’a pas été effectué
not-returned-headline = Le remboursement a été refusé
not-returned-lead = { $merchant } voulait vous rembourser { $amount } ; cela a été refusé.
not-returned-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

series-changed-subject = Votre accord avec { $merchant } a changé
series-changed-headline = Les paiements réguliers ont changé
series-changed-lead = Voici où en est votre accord avec { $merchant }.
series-changed-foot = Vous ne vous y attendiez pas ? Adressez-vous à { $merchant }.

series-ended-subject = Votre accord avec { $merchant } a pris fin
series-ended-headline = Plus rien n’est prélevé
series-ended-lead = Votre accord avec { $merchant } a pris fin. Plus rien n’est prélevé.
series-ended-foot = Pour toute question, adressez-vous à { $merchant }.
