date = Fecha
card = Tarjeta
method = Pagado con
series = Acuerdo
next-debit = Próximo cargo

paid-subject = Ha pagado { $amount } a { $merchant }
paid-headline = Gracias por su pago
paid-lead = { $merchant } ha recibido su pago de { $amount }.
paid-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

unpaid-subject = Su pago a { $merchant } no se ha realizado
unpaid-headline = El pago ha sido rechazado
unpaid-lead = Su pago de { $amount } a { $merchant } ha sido rechazado. No se ha pagado nada.
unpaid-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

held-subject = { $merchant } ha reservado { $amount }
held-headline = Se ha reservado un importe
held-lead = { $amount } están reservados para { $merchant }. Pagará cuando se realice el pedido.
held-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

released-subject = { $merchant } ha liberado { $amount }
released-headline = Se ha anulado una reserva
released-lead = { $merchant } ha liberado { $amount } que estaban reservados. No se le cobrarán.
released-foot = Depende de su banco cuándo lo verá.

unreleased-subject = Una reserva de { $merchant } sigue vigente
unreleased-headline = La reserva no se ha anulado
unreleased-lead = { $merchant } quería liberar { $amount }, pero se ha rechazado. La reserva terminará por sí sola.
unreleased-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

paid-out-subject = { $merchant } le ha abonado { $amount }
paid-out-headline = Un abono está en camino
paid-out-lead = { $merchant } le ha abonado { $amount }.
paid-out-foot = Depende de su banco cuándo lo verá.

not-paid-out-subject = El abono de { $merchant } no se ha realizado
not-paid-out-headline = El abono ha sido rechazado
not-paid-out-lead = { $merchant } quería abonarle { $amount }, pero se ha rechazado.
not-paid-out-foot = Si tiene preguntas sobre el abono, diríjase a { $merchant }.

returned-subject = { $merchant } le devuelve { $amount }
returned-headline = Recibirá su dinero de vuelta
returned-lead = { $merchant } le devuelve { $amount }.
returned-foot = Depende de su banco cuándo lo verá.

not-returned-subject = Una devolución de { $merchant } no se ha realizado
not-returned-headline = La devolución ha sido rechazada
not-returned-lead = { $merchant } quería devolverle { $amount }, pero se ha rechazado.
not-returned-foot = Si tiene preguntas sobre el pedido, diríjase a { $merchant }.

series-changed-subject = Su acuerdo con { $merchant } ha cambiado
series-changed-headline = Los pagos periódicos han cambiado
series-changed-lead = Así queda ahora su acuerdo con { $merchant }.
series-changed-foot = ¿No lo esperaba? Pregunte a { $merchant }.

series-ended-subject = Su acuerdo con { $merchant } ha terminado
series-ended-headline = No se cargará nada más
series-ended-lead = Su acuerdo con { $merchant } ha terminado. No se cargará nada más.
series-ended-foot = Si tiene preguntas, diríjase a { $merchant }.
