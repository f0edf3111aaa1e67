payment = Pago
amount = Importe
description = Concepto
valid-until = Válido hasta
pay = Pagar { $amount }
fallback = Si el botón no funciona, abra esta dirección:
by = Pagos con Ferropay

link-subject = Su pago de { $amount } a { $merchant }
link-headline = { $merchant } le pide que pague { $amount }
link-lead = Abra el enlace para ver el pago y elegir cómo pagar.
link-foot = ¿No esperaba este mensaje? No haga nada: solo se le cobra si paga.

canceled-subject = { $merchant } ha retirado un pago
canceled-headline = Ya no hay nada que pagar
canceled-lead = { $merchant } ha retirado el pago siguiente. El enlace que recibió ya no es válido.
canceled-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

code-subject = Su código para el abono de { $merchant }
code-headline = { $merchant } le abona { $amount }
code-lead = Escriba este código en la página donde indicó su tarjeta:
code-foot = ¿No ha pedido ningún abono? No dé este código a nadie.
