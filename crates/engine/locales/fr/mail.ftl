payment = Paiement
amount = Montant
description = Objet
valid-until = Valable jusqu’au
pay = Payer { $amount }
fallback = Si le bouton ne fonctionne pas, ouvrez cette adresse :
by = Paiements par Ferropay

link-subject = Votre paiement de { $amount } à { $merchant }
link-headline = { $merchant } vous demande de payer { $amount }
link-lead = Ouvrez le lien pour voir le paiement et choisir votre moyen de paiement.
link-foot = Vous n’attendiez pas ce message ? Ne faites rien : vous n’êtes débité que si vous payez.

canceled-subject = { $merchant } a retiré un paiement
canceled-headline = Il n’y a plus rien à payer
canceled-lead = { $merchant } a retiré le paiement ci-dessous. Le lien que vous avez reçu n’est plus valable.
canceled-foot = Pour toute question sur la commande, adressez-vous à { $merchant }.

code-subject = Votre code pour le versement de { $merchant }
code-headline = { $merchant } vous verse { $amount }
code-lead = Saisissez ce code sur la page où vous avez indiqué votre carte :
code-foot = Vous n’avez pas demandé de versement ? Ne donnez ce code à personne.
