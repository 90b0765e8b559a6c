"""What words of a question mean to the planner, in English, German, French, Spanish, Dutch and Italian.

A concept's phrases are separated by `|`. Of overlapping phrases the longer one counts.
"""

# ruff: noqa: E501 - phrases of one concept stay together
from __future__ import annotations

from functools import cache

from adapters.planning.printed import FIELDS
from adapters.planning.words import words

# Words that say nothing about what is asked for.
FUNCTION = """
what|whats|which|who|whom|whose|is|are|was|were|be|been|being|the|a|an|of|in|on|at|for|to|from|by|with|and|or|do|does
|did|done|has|have|had|i|we|you|they|he|she|it|its|my|our|your|their|this|that|these|those|there|here|please|tell
|me|us|can|could|would|should|will|shall|give|find|get|got|know|want|like|about|as|per|s|t|how|how much|much|many
|if|any|some|only|also|just|then|than|into|during|within|so|out|up|when|where|under|re|ve|ll|d|m|one|ones
|value|number|figure|amount|exactly|actually|really|say|said|stated|shown|printed|at the bottom|at the top|listed|displayed|given|appear
|written|mentioned|according|read|look|see|hello|hi|hey|ok|okay|thank|made|make|each|every|all|both|come|came|go|went
|need|must|still|let|calculate|compute|determine|work|figure out|answer|question|there s|am|um wie viel|um wieviel|de combien|overall|at the end of|by the end of|how high|how big|how large|how long|how big|goes|go|going|whole|entire
|was|wie|ist|sind|war|waren|der|die|das|den|dem|des|ein|eine|einen|einem|einer|im|am|an|auf|fur|von|vom|zu|zum|zur|mit
|und|oder|hoch|viel|viele|wurde|wurden|wird|werden|hat|haben|habe|ich|wir|es|sie|er|dieser|diese|dieses|bitte|nach|bei
|aus|wer|wann|welche|welcher|welches|welchem|welchen|gibt|steht|lautet|betragt|beim|auch
|quel|quelle|est|sont|le|la|l|un|une|des|du|de|et|ou|au|aux|en|dans|sur|pour|par|ce|cette|ces|il|elle
|combien|y|qui|que|qu|ete|ont|avon|c|a t|n|quelles|etait|s eleve|eleve
|cual|cuales|es|son|el|los|las|una|unos|del|o|al|por|para|con|se|cuanto|cuanta|cuantos|cuantas|fue|fueron|hay|este
|esta|estos|quien|cuando|e
|wat|hoe|welke|zijn|waren|het|een|van|op|voor|met|aan|bij|er|dit|deze|die|hoeveel|wordt|werd|heb|hebben|wie|wanneer|welk|of
|qual|quale|quali|sono|lo|i|gli|di|della|dei|delle|dello|dell|nel|nella|su|per|che|quanto|quanta|quanti|quante|stato
|questo|questa|chi|quando|ce|cosa|ammonta
|vad|hur|mycket|manga|vilken|vilket|ar|och|till|fran|pa|som
"""

# Names of the thing itself.
DOCUMENT = """
document|invoice|receipt|bill|ticket|statement|bank statement|account statement|table|chart|graph|diagram|bar chart
|pie chart|line chart|plot|picture|image|page|dashboard|paper|pie|scan|photo|report|sheet|spreadsheet|screenshot|estimate
|quote|quotation|offer|list|price list|account|purchase|order|file|credit note|delivery note|proforma|proforma invoice|pro forma invoice|payslip|menu
|dokument|rechnung|quittung|beleg|kassenbon|bon|tabelle|diagramm|kontoauszug|bild|seite|auszug|konto
|facture|recu|tableau|graphique|releve|image|compte|factura|recibo|tabla|grafico|extracto|imagen|cuenta
|factuur|kassabon|tabel|grafiek|afschrift|rekening|afbeelding|fattura|scontrino|ricevuta|tabella|estratto conto|immagine
"""

CONCEPTS: dict[str, str] = {
    # --- roles of labelled figures
    "total": """total|grand total|total amount|total price|total cost|total including tax|total including vat|total including gst|total incl tax|total incl vat|total incl gst|total inc vat|total inc gst|total with tax|total with vat|total after tax
|total sum|sum total|invoice total|total payable
|final amount|final price|full price|full amount|invoice amount|bill amount|total bill|amount payable|total value
|gesamtbetrag|gesamtsumme|endbetrag|rechnungsbetrag|rechnungssumme|gesamt|insgesamt|gesamtpreis|endsumme|summe
|montant total|montant total ttc|prix total|total ttc|somme totale|montant ttc|montant|importe total|precio total|monto total|importe
|summa|totalt|belopp|totaal|totaalbedrag|eindbedrag|factuurbedrag|totaalprijs|totale|importo totale|prezzo totale|importo|bedrag|betrag""",
    "amount_due": """amount due|total amount due|total amount payable|total amount to pay|total to pay|balance due|total due|due amount|outstanding|outstanding amount|amount outstanding|owe|owed
|owing|due to be paid|to be paid|still to be paid|left to be paid|remains to be paid|to pay|still to pay|have to pay|must pay|needs to be paid|left to pay|remaining amount|payable
|zu zahlen|zahlbetrag|zahlbetrag|offener betrag|zu bezahlen|a payer|reste t il a payer|reste il a payer|faut il payer|reste a payer|net a payer|montant du|montant a payer
|att betala|at betale|a pagar|importe a pagar|te betalen|openstaand bedrag|te betalen bedrag|da pagare|importo dovuto""",
    "subtotal": """subtotal|sub total|tax base|taxable amount|taxable base|taxable value|net amount|net total|net|net price|net value|before tax|before vat|without tax|without vat
|excluding tax|excluding vat|excl tax|excl vat|ex vat|exclusive of tax|exclusive of vat|pre tax|pretax|amount before tax
|total before tax|total without tax|total without vat|total excluding tax|total excluding vat|total excl vat|net of tax
|price before tax|total before vat|untaxed amount
|zwischensumme|netto|nettobetrag|nettosumme|ohne mwst|ohne steuer|nettobetrag ohne mwst|sous total|montant ht|total ht|hors taxe|ht
|total hors taxe|montant hors taxe|base imponible|subtotal|sin iva|importe neto|neto|subtotaal|excl btw|exclusief btw|zonder btw
|nettobedrag|subtotale|imponibile|senza iva|importo netto|netto totale""",
    "tax": """tax|vat|sales tax|gst|hst|pst|tax amount|vat amount|value added tax|taxe|taxis|total tax|total vat|tax total
|tax included|vat included|included tax|included vat|gst included|consumption tax
|mwst|mehrwertsteuer|umsatzsteuer|ust|steuer|steuerbetrag|mwst betrag|tva|montant de la tva|montant tva|impot|iva|impuesto
|moms|importe del iva|btw|btw bedrag|belasting|imposta|importo iva""",
    "tax_rate": """tax rate|vat rate|rate of tax|rate of vat|tax percentage|vat percentage|percentage of vat|percent vat|percent tax
|sales tax rate|gst rate|vat percent|tax percent|what percent vat|what percentage vat|what percent tax
|steuersatz|mwst satz|mehrwertsteuersatz|taux de tva|taux tva|tipo de iva|tasa de impuesto|btw tarief|btw percentage|aliquota|aliquota iva""",
    "discount": """discount|rebate|reduction|markdown|coupon|voucher|price reduction|saving|saved|save|rabatt|nachlass|ermassigung
|skonto|gespart|remise|rabais|descuento|rebaja|korting|sconto""",
    "shipping": """shipping|delivery|freight|postage|shipping cost|delivery cost|shipping fee|delivery fee|shipping charge
|delivery charge|shipping and handling|handling|carriage|postage and packing|p p|shipment cost|freight charge|freight cost
|versand|versandkosten|lieferkosten|porto|fracht|frachtkosten|livraison|frais de livraison|frais de port|port|expedition
|envio|gasto de envio|coste de envio|transporte|verzending|verzendkosten|bezorgkosten|spedizione|spese di spedizione|consegna""",
    "tip": """tip|gratuity|service charge|trinkgeld|pourboire|propina|fooi|mancia|service fee|tipped""",
    "paid": """amount paid|paid amount|cash paid|cash tendered|tendered|amount tendered|payment received|already paid|prepaid
|deposit paid|been paid|paid already|already been paid|already pay|paid so far|so far paid|paid in advance|paid on account|paid up front|advance payment|advance paid|down payment|prepayment|cash given|paid in cash|paid with cash|cash|amount received|anzahlung|bereits bezahlt|bezahlt|gegeben|bar bezahlt
|acompte|deja paye|especes|pagado|ya pagado|efectivo|betaald|reeds betaald|contant|gia pagato|pagato|contanti""",
    "change": """change given|change due|change back|change returned|change did i get back|change did we get back|change did you get back|change|cash back|wechselgeld|ruckgeld|monnaie rendue|cambio|wisselgeld|resto""",
    "opening_balance": """opening balance|starting balance|beginning balance|initial balance|balance forward|balance brought forward
|previous balance|start balance|balance at the start|balance at the beginning|old balance|balance b f|brought forward
|anfangssaldo|alter saldo|anfangsbestand|solde initial|solde precedent|ancien solde|solde de depart|saldo inicial|saldo anterior
|beginsaldo|vorig saldo|oud saldo|saldo iniziale""",
    "closing_balance": """closing balance|ending balance|final balance|end balance|balance at the end|new balance|balance carried forward
|current balance|last balance|carried forward|latest balance|balance now|endsaldo|neuer saldo|schlusssaldo|aktueller saldo|kontostand
|solde final|nouveau solde|solde de cloture|saldo final|nuevo saldo|saldo actual|eindsaldo|nieuw saldo|saldo finale|saldo attuale""",
    "balance": """balance|running balance|account balance|saldo|solde|available balance""",
    # --- measures: what a number column holds
    "quantity": """quantity|in stock|on hand|qty|unit|piece|pc|count of unit|number of unit|menge|anzahl|stuck|stuckzahl|quantite|qte|cantidad|uds
|aantal|antal|stuk|quantita|qta|hour|stunde|stunden|heure|hora|uren|timmar|pezzi""",
    "unit_price": """unit price|price per unit|price each|price per piece|unit cost|cost per unit|rate|price per item|each cost|list price
|hourly rate|per hour|an hour|per unit|a pris|styckpris|einzelpreis|stuckpreis|preis pro stuck|prix unitaire|precio unitario|stuksprijs|prijs per stuk|preis pro stuck|preis je einheit|prix a l unite|precio por unidad|prezzo per unita|eenheidsprijs|prezzo unitario""",
    "selling_price": "selling price|sales price|sale price|retail price|resale price|verkaufspreis|prix de vente|precio de venta|verkoopprijs|prezzo di vendita",
    "price": "price|priced|preis|prix|precio|prijs|prezzo",
    "cost": """cost|expensive|teuer|cher|chere|caro|cara|duur|costoso|costing|charged|charge|charge for|kosten|kostet|kostete|cout|coute|coutent|coste|cuesta|cuestan|costo|kost|costa|costano|expenditure""",
    "line_amount": """worth|line total|line amount|line value|item total|extended price|row total|zeilensumme|position total|net line""",
    "revenue": """revenue|sale|turnover|umsatz|erlos|erlose|chiffre d affaire|vente|ingreso|venta|omzet|ricavo|fatturato|vendite|gross sale|income from sale""",
    "profit": """profit|net income|net profit|gewinn|benefice|beneficio|winst|utile|gain|surplus|ebit|ebitda""",
    "margin": "margin|gross margin|profit margin|marge|margen|margine",
    "loss": "loss|verlust|perte|perdida|verlies|perdita",
    "expense": "expense|spending|ausgabe|aufwand|depense|gasto|uitgave|spese|spesa|opex|outlay",
    "income": "income|earning|einnahme|einkommen|revenu|inkomsten|reddito|entrate",
    "debit": """debit|debited|money went out|money going out|withdrawal|withdrawn|money out|paid out|outgoing|outflow|money spent|withdrew|soll|abbuchung|belastung|lastschrift
|retrait|debito|cargo|cargos|adeudo|retiro|afschrijving|addebiti|addebito|prelievo|prelievi|uscite|payment out|outgoing payment""",
    "credit": """credit|credited|came into|come into|coming into|went into|money came in|money coming in|deposit|money in|paid in|incoming|inflow|received|incoming payment|haben|gutschrift|einzahlung|eingang|gutschriften
|depot|versement|credito|abono|ingreso|storting|bijschrijving|accredito|accrediti|payment in|deposited|money received""",
    "fee": "fee|gebuhr|frais|comision|tarifa|commissione",
    # --- what rows are
    "row": """line item|item|position|row|entry|line|article|product|record|artikel|posten|zeile|produkt|eintrag|ligne|articulo
|linea|producto|fila|regel|rij|riga|leistung|prestation|prestazione|servicio|kostenpunkt|kostenart|articolo|prodotto|voce|voci|posizione|thing|articles|goods|good|position""",
    "transaction": """transaction|movement|booking|payment|transfer|buchung|umsatze|transaktion|zahlung|operation|paiement|mouvement
|transaccion|movimiento|pago|transactie|betaling|transazione|operazione|pagamento""",
    "point": "bar|slice|data point|category|point|segment|column|balken|kategorie|barre|categorie|barra|categoria|balk|wedge|group|series",
    "column_word": "column|spalte|colonne|columna|kolom|colonna",
    "generic": "grade|score|mark|result|rating|scored|got|reading|level|data|information|info|note|punkt|punkte",
    "negation": "not|no|never|nothing|none|nicht|kein|keine|pas|sin|niet|geen|non|senza",
    # --- operations
    "sum": """sum|paid in total|paid in all|sum of|add up to|adds up to|added up to|sum to|sums to|together|add up all|add all|add together|combined|altogether|in total|total of|summed|summe|summe der|zusammen|insgesamt
|somme|somme des|au total|suma|suma de|en total|som|som van|in totaal|somma|somma di|in tutto|adding up|aggregate|cumulative|total up|in all""",
    "mean": """average|mean|on average|avg|typical|arithmetic mean|durchschnitt|durchschnittlich|durchschnittliche|durchschnittlicher
|durchschnittspreis|mittelwert|im durchschnitt|im schnitt|mittlere|moyenne|moyen|en moyenne|media|promedio|en promedio|gemiddeld|gemiddelde|in media|medio""",
    "median": "median|mediane|mediana|mediaan|middle value",
    "max": """highest|higher|larger|bigger|hohere|hoherer|hoheres|hoheren|largest|biggest|greatest|maximum|max|most|top|best|peak|tallest|longest|strongest|highest value|maximal|leading|best selling
|hochste|hochster|hochsten|hochstes|grosste|grosster|grossten|meiste|meisten|teuerste|am meisten|am hochsten|am grossten|beste|besten|plus eleve|plus elevee|plus grand|plus grande|plus gros|plus grosse|le plus gros|la plus grosse|le plus grand|la plus grande|le plus eleve|la plus elevee|le plus|la plus|maximum|meilleur|meilleure
|mas alto|mas alta|mayor|maximo|maxima|mas grande|mejor|hoogste|grootste|meeste|beste|piu alto|piu alta|massimo|maggiore|piu grande|migliore|piu elevato""",
    "min": """lowest|lower|smaller|niedrigere|niedrigerer|niedrigeres|kleinere|geringere|smallest|least|minimum|min|fewest|worst|bottom|shortest|weakest|minimal|slowest
|niedrigste|niedrigster|niedrigsten|kleinste|kleinsten|wenigste|wenigsten|geringste|geringsten|am wenigsten|schlechteste|plus bas|plus basse|plus petit|plus petite|le moin|moin|minimum
|mas bajo|mas baja|menor|minimo|minima|mas pequeno|peor|laagste|kleinste|minste|slechtste|piu basso|piu bassa|minore|piu piccolo|peggiore""",
    "dearest": """most expensive|priciest|dearest|costliest|teuerste|teuersten|teuerster|teuerstes|am teuersten|plus cher|plus chere|plus couteux|mas caro|mas cara
|duurste|piu caro|piu cara|piu costoso|most costly|highest priced""",
    "cheapest": """cheapest|least expensive|gunstigste|gunstigsten|billigste|billigsten|moin cher|moin chere|mas barato|mas barata
|goedkoopste|piu economico|meno caro|meno costoso|lowest priced|least costly""",
    "count": """how many|number of|count|count of|amount of item|wie viele|anzahl der|anzahl|combien de|combien d|nombre de|nombre d
|numero de|cantidad de|aantal|numero di|total number of""",
    # One word for "how much" and "how many", or so once plurals are taken away.
    "how": "wieviel|wieviele|combien|cuanto|cuanta|cuantos|cuantas|hoeveel|quanto|quanti|quante|quanta",
    "single": "single|individual|einzelne|einzelnen|einzelner",
    "distinct": "different|distinct|unique|verschiedene|unterschiedliche|differents|differentes|distinto|distintos|diferente|verschillende|diversi|diverse",
    "difference": """difference|difference between|differ|exceed|exceeded|gap|gap between|spread|differenz|unterschied|difference entre|ecart|diferencia|verschil|differenza
|minus|less|less the|subtract""",
    "more_than_other": "how much more|how much higher|how much larger|how much bigger|how much greater|how many more|how much better|wie viel mehr|combien de plus|cuanto mas|hoeveel meer|quanto in piu|how much dearer|what percent more|what percentage more|how many percent more|percent more|percent higher|percent greater|percent larger|percentage more|% more|% higher|prozent mehr",
    "less_than_other": "how much less|how much lower|how much smaller|how many fewer|how much cheaper|how much fewer|wie viel weniger|cuanto menos|hoeveel minder|quanto in meno|how much worse|what percent less|what percentage less|how many percent less|percent less|percent lower|percent fewer|percent smaller|% less|% lower|prozent weniger",
    "ranking": "sort|rank|ranking|sorted|ranked|rank all|sort all|order by|ordered by|in order of|in descending order|in ascending order|descending|ascending|from highest to lowest|from largest to smallest|from most to least|from lowest to highest|from smallest to largest|from least to most",
    "range": "range|span|spannweite|difference between the highest and the lowest|rango|bereik",
    "share": """share|share of|percentage of|percent of|what percent|what percentage|proportion|proportion of|fraction|fraction of|percentage|percent|%
|anteil|anteil an|wie viel prozent|prozent|quelle part|part du|part de|pourcentage|quel pourcentage|porcentaje|proporcion|que porcentaje|aandeel|percentuale|quota|welk percentage|contribution|contribute""",
    "ratio": "ratio|ratio of|how many time|time as|verhaltnis|rapport entre|razon|verhouding|rapporto",
    "growth": """growth|change in|change between|change from|change of|changes in|grow|grew|grown|increase|increased|rise|rose|risen|decrease|decreased|decline|declined|fall|fell|fallen|drop|dropped|shrink|shrank|changed
|percent change|percentage change|percentage increase|percentage decrease|percent increase|growth rate
|wachstum|gestiegen|gewachsen|gesunken|croissance|augmente|augmentation|crecimiento|aumento|groei|gestegen|crescita|aumentato""",
    "trend": "trend|development|developed|evolve|evolved|over time|going up|going down|upward|downward|growing|rising|falling|declining|increasing|decreasing|entwicklung|tendance|evolution|tendencia|ontwikkeling|andamento|tendenza|trajectory",
    "check": """add up|adds up|added up|adding up|sum up|sums up|correct|right|wrong|consistent|reconcile|reconciles|reconciled|verify|check|match|matches|mistake|error|tally
|make sense|calculated correctly|true|accurate|accuracy|arithmetic|the math|the maths|discrepancy|inconsistent|balance out|balances out|plausible|add correctly|check out|computed correctly|agree|explain
|stimmt|stimmen|korrekt|richtig|falsch|fehler|gepruft|aufgeht|geht auf|juste|correcte|exact|erreur|coherent|verifier|correcto|correcta|cuadra|cuadran|coincide|bien calculado
|klopt|kloppen|juist|corretto|corretta|torna|tornano|giusto|errore|quadra""",
    "list": "list|show|show me|enumerate|name all|name|zeige|nenne|liste|affiche|muestra|toon|elenca|lista",
    "group_by": "by|per|for each|grouped by|broken down by|each|pro|je|par|por|voor elke",
    "plus": "plus|together with|and also|added to|zuzuglich|mas el",
    "cumulate": "running total",
    # --- comparisons
    "gt": """above|over|more than|greater than|higher than|exceed|exceeds|exceeding|exceeded|bigger than|larger than|costing more than|cost more than|uber|mehr als|grosser als|hoher als|plus de|superieur a|superieure a
|au dessus de|mas de|mayor que|superior a|por encima de|meer dan|boven|hoger dan|piu di|superiore a|oltre|sopra|hoher|exceeding|greater|north of""",
    "lt": """below|under|less than|lower than|smaller than|fewer than|cheaper than|unter|weniger als|kleiner als|moin de|inferieur a|inferieure a|en dessous de
|menos de|menor que|inferior a|por debajo de|minder dan|onder|lager dan|meno di|inferiore a|sotto""",
    "over_budget": "over budget|over the budget|above budget|above the budget|over plan|above plan|over target|overspent|overspend|exceeded budget|exceeded the budget|exceed budget|uber budget|uber plan|hors budget|sobre presupuesto|boven budget|fuori budget",
    "under_budget": "under budget|under the budget|below budget|below the budget|under plan|below plan|below target|under target|underspent|underspend|unter budget|unter plan|onder budget|sotto budget",
    "year_on_year": "year over year|year on year|yoy|y o y|year to year|month over month|month on month|quarter over quarter|quarter on quarter|compared to last year|compared with last year|versus last year|vs last year|against last year|over last year|compared to the previous year|compared with the previous year|against the previous year|on the previous year|im vergleich zum vorjahr|gegenuber dem vorjahr|par rapport a l annee precedente",
    "ge": "at least|or more|minimum of|no less than|mindestens|au moin|al menos|por lo menos|minstens|almeno|ten minste|not less than",
    "le": "at most|or less|no more than|up to|maximum of|hochstens|maximal|au plus|como maximo|maximaal|al massimo|hoogstens|not more than",
    "between": "between|zwischen|entre|tussen|tra|fra",
    "from": "from|since|starting|von|ab|depuis|desde|vanaf|da|van|dal",
    "until": "to|until|till|through|up to|thru|bis|jusqu|hasta|tot|tot en met|a|fino|al|until the end of",
    "exclude": "except|excluding|without|other than|apart from|not including|ohne|ausser|sauf|excepto|behalve|tranne|exclude",
    "after": "after|later than|following|nach dem|apres|despues|na de|dopo",
    "before": "before|prior to|earlier than|vor dem|avant|antes|voor de|prima di",
    "when": "when|wann|quand|cuando|wanneer|quando|on what date|on which date|which day|what day|an welchem tag",
    "who": "who|which person|which employee|whom|whose|wer|wem|qui|quien|chi|by whom",
    "money": "euro|dollar|pound|eur|usd|gbp|chf|yen|cent|franc|money|geld|argent|dinero|soldi|buck",
    "first": "first|erste|ersten|premier|premiere|primero|primera|eerste|primo|prima|earliest|initial",
    "last": "last|latest|final|letzte|letzten|dernier|derniere|ultimo|ultima|laatste|most recent|newest",
    "second": "second|third|fourth|runner up|second highest|third highest|second most|second largest|zweithochste|zweitgrosste|second lowest",
    # --- verbs that go with money
    "pay": """pay|paid|repaid|repay|paid in total|paid in all|deducted|withheld|spend|spent|payed|bought|buy|purchase|purchased|zahlen|bezahlen|gezahlt|bezahlt|ausgegeben|ausgeben|gekauft|payer|paye|depense|acheter|achete|pagar|pagado|pagamos|pague|gastado|gaste|gastar
|betalen|betaald|uitgegeven|pagare|pagato|speso|spendere|comprado|acquistato|gekocht""",
    "sell": "credited|gearbeitet|travaille|trabajo|trabajado|gewerkt|lavorato|close|closed|hold|own|owned|claim|claimed|we invoice|they invoice|you invoice|we bill|they bill|offered|placed|booked|billed|invoiced|held|supplied|provided|worked|performed|happened|occurred|sell|sold|selling|verkauft|vendu|vendido|verkocht|venduto|ordered|bestellt|commande|besteld|ordinato|shipped|delivered|generate|generated|bring in|brought in|earn|earned|take in|reach|reached|record|recorded",
    # --- the document as a whole
    "date": """date|invoice date|receipt date|document date|issue date|date of issue|issued|dated|bill date|date of the invoice|date of the receipt|statement date|order date|what day|which day|billing date
|purchase date|transaction date|datum|fakturadatum|rechnungsdatum|ausgestellt|date de la facture|date de facture|date d emission|fecha|fecha de la factura|fecha de factura|emitida
|factuurdatum|datum van de factuur|data|data della fattura|data fattura|emessa|emise|day of purchase""",
    "currency": "currency|which currency|what currency|wahrung|devise|monnaie|moneda|divisa|valuta",
    "kind": """kind of document|type of document|what kind of document|what type of document|document type|kind of picture|sort of document|what sort|kind|type|art von dokument|art des dokument
|type de document|tipo de documento|soort document|tipo di documento|welche art|what is this document""",
    "summary": """summarise|summarize|summary|overview|describe|what is this|what does this say|what is in this|what is shown|key figure|key number|main figure|main point|zusammenfassung|zusammenfassen|resume|resumen|samenvatting
|riassunto|tell me about|gist|highlight|what does it show|what does this show|explain""",
}

# Concepts that name a role of a figure (`schemas.documents.FigureRole`).
ROLES = (
    "total", "amount_due", "subtotal", "tax", "tax_rate", "discount", "shipping", "tip", "paid", "change",
    "opening_balance", "closing_balance", "balance",
)  # fmt: skip
# Concepts that name what a number column holds.
MEASURES = (
    "quantity", "unit_price", "selling_price", "price", "cost", "line_amount", "revenue", "profit", "margin", "loss", "expense", "income",
    "debit", "credit", "balance", "tax", "discount", "total", "shipping", "fee", "tip", "subtotal", "amount_due",
)  # fmt: skip

MONTHS: dict[str, int] = {}
for _names in (
    "january february march april may june july august september october november december",
    "jan feb mar apr may jun jul aug sep oct nov dec",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "jan feb maerz apr mai jun jul aug sept okt nov dez",
):
    for _number, _name in enumerate(_names.split(), start=1):
        MONTHS[words(_name)[0].stem] = _number
MONTHS["mars"] = MONTHS["mar"] = 3

WEEKDAYS = frozenset(
    word.stem
    for word in words(
        "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch"
        " donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche"
    )
)

ORDINALS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
            "eleven": 11, "twelve": 12, "elf": 11, "zwolf": 12, "onze": 11, "douze": 12, "once": 11, "doce": 12,
            "zwei": 2, "drei": 3, "funf": 5, "deux": 2, "trois": 3, "cinq": 5, "dos": 2, "tres": 3, "cinco": 5,
            "twee": 2, "drie": 3, "vijf": 5, "due": 2, "tre": 3, "cinque": 5}  # fmt: skip


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [
        tuple(word.stem for word in words(phrase)) for phrase in text.replace("\n", "").split("|") if phrase.strip()
    ]


@cache
def phrase_table() -> dict[tuple[str, ...], tuple[str, ...]]:
    """Phrase (stems) → the concepts it may mean."""
    table: dict[tuple[str, ...], set[str]] = {}
    fields = ((f"field:{field.name}", field.asked) for field in FIELDS)
    for name, text in (("function", FUNCTION), ("document", DOCUMENT), *CONCEPTS.items(), *fields):
        for phrase in _phrases(text):
            if phrase:
                table.setdefault(phrase, set()).add(name)
    return {phrase: tuple(sorted(names)) for phrase, names in table.items()}


@cache
def longest_phrase() -> int:
    return max(map(len, phrase_table()))
