"""Word lists of the planted errors and paraphrases."""

from __future__ import annotations

UNITS = (
    ("km", "miles", "metres"), ("kilometers", "miles", "meters"), ("kilometres", "miles", "metres"),
    ("kg", "pounds", "grams"), ("meters", "feet", "kilometers"), ("feet", "metres", "inches"),
    ("minutes", "hours", "days"), ("hours", "minutes", "days"), ("days", "weeks", "months"),
    ("weeks", "months", "days"), ("months", "years", "weeks"), ("years", "months", "decades"),
    ("million", "billion", "thousand"), ("billion", "million", "trillion"),
    ("thousand", "million", "hundred"),
    ("percent", "per thousand", "percentage points"), ("dollars", "euros", "pounds"), ("mg", "g", "µg"),
    ("cm", "mm", "m"), ("acres", "hectares", "square miles"), ("celsius", "fahrenheit", "kelvin"),
    ("GB", "MB", "TB"), ("seconds", "minutes", "hours"), ("century", "decade", "year"),
)  # fmt: skip

OPPOSITES = (
    ("more", "less"), ("higher", "lower"), ("larger", "smaller"), ("increase", "decrease"),
    ("increases", "decreases"), ("increased", "decreased"), ("increasing", "decreasing"),
    ("largest", "smallest"),
    ("highest", "lowest"), ("first", "last"), ("older", "younger"), ("oldest", "youngest"),
    ("best", "worst"),
    ("better", "worse"), ("longer", "shorter"), ("faster", "slower"), ("earlier", "later"),
    ("north", "south"),
    ("northern", "southern"), ("east", "west"), ("eastern", "western"), ("above", "below"), ("win", "lose"),
    ("won", "lost"), ("success", "failure"), ("successful", "unsuccessful"), ("positive", "negative"),
    ("allow", "forbid"), ("allowed", "forbidden"), ("accept", "reject"), ("accepted", "rejected"),
    ("male", "female"), ("public", "private"), ("early", "late"), ("high", "low"), ("large", "small"),
    ("strong", "weak"), ("rich", "poor"), ("active", "inactive"), ("included", "excluded"),
    ("includes", "excludes"),
    ("enter", "leave"), ("open", "closed"), ("same", "opposite"), ("similar", "different"),
    ("able", "unable"),
    ("common", "rare"), ("reduce", "raise"), ("reduces", "raises"), ("reduced", "raised"),
    ("promotes", "inhibits"),
    ("promote", "inhibit"), ("activates", "suppresses"), ("activation", "suppression"), ("major", "minor"),
    ("upper", "lower"), ("old", "new"), ("hot", "cold"), ("warm", "cool"), ("begin", "end"),
    ("began", "ended"),
    ("born", "buried"), ("buy", "sell"), ("bought", "sold"), ("internal", "external"),
    ("maximum", "minimum"),
    ("inside", "outside"), ("tall", "short"), ("mother", "father"), ("son", "daughter"),
    ("brother", "sister"),
    ("husband", "wife"), ("man", "woman"), ("men", "women"), ("king", "queen"), ("actor", "actress"),
)  # fmt: skip

QUANTIFIERS = (
    ("some", "all"), ("several", "all"), ("many", "few"), ("many", "all"), ("most", "all"), ("most", "few"),
    ("all", "none of"), ("all", "few"), ("every", "no"), ("each", "no"), ("often", "always"),
    ("often", "rarely"),
    ("usually", "always"), ("usually", "never"), ("sometimes", "always"), ("generally", "always"),
    ("always", "rarely"), ("never", "sometimes"), ("at least", "at most"), ("up to", "at least"),
    ("more than", "less than"), ("over", "under"), ("about half", "nearly all"), ("nearly", "more than"),
    ("both", "neither"), ("few", "many"), ("a few", "most"), ("various", "all"), ("mainly", "only"),
    ("mostly", "only"), ("one of the", "the only one of the"), ("partly", "entirely"),
    ("almost", "far more than"),
)  # fmt: skip

MODALITY = (
    ("may", "will"), ("might", "will"), ("can", "must"), ("could", "did"), ("should", "must not"),
    ("likely", "certainly"), ("possibly", "certainly"), ("probably", "never"), ("suggests", "proves"),
    ("suggest", "prove"), ("is thought to", "is proven to"), ("is believed to", "is proven to"),
    ("appears to", "was shown not to"), ("is able to", "is required to"), ("tends to", "always has to"),
    ("is associated with", "is caused by"), ("was associated with", "was caused by"),
    ("are associated with", "are caused by"), ("planned", "refused"), ("allowed to", "obliged to"),
    ("expected to", "guaranteed to"), ("reported", "denied"), ("claimed", "proved"),
)  # fmt: skip

ORDER = (
    ("before", "after"), ("after", "before"), ("since", "until"), ("until", "after"), ("during", "before"),
    ("following", "before"), ("prior to", "after"), ("later", "earlier"), ("previously", "subsequently"),
    ("preceded", "followed"), ("followed by", "preceded by"), ("once", "before"),
    ("eventually", "immediately"),
)  # fmt: skip

SYNONYMS = (
    ("began", "started"), ("begin", "start"), ("big", "large"), ("large", "big"), ("also", "additionally"),
    ("known as", "called"), ("called", "named"), ("located in", "situated in"), ("located", "situated"),
    ("film", "movie"), ("movie", "film"), ("show", "demonstrate"), ("shows", "demonstrates"),
    ("showed", "demonstrated"), ("use", "employ"), ("used", "employed"), ("uses", "employs"),
    ("made", "produced"),
    ("many", "a lot of"), ("most", "the majority of"), ("approximately", "about"),
    ("about", "approximately"),
    ("around", "about"), ("however", "but"), ("because", "since"), ("several", "a number of"),
    ("often", "frequently"),
    ("children", "kids"), ("buy", "purchase"), ("bought", "purchased"), ("get", "receive"),
    ("help", "assist"),
    ("helps", "assists"), ("important", "significant"), ("main", "primary"), ("near", "close to"),
    ("such as", "like"),
    ("can", "is able to"), ("must", "has to"), ("within", "inside"), ("while", "whereas"),
    ("although", "though"), ("more than", "over"), ("over", "more than"), ("less than", "under"),
    ("died", "passed away"), ("famous", "well-known"), ("popular", "well-liked"), ("people", "persons"),
    ("city", "town"), ("world", "globe"), ("country", "nation"), ("company", "firm"), ("car", "automobile"),
    ("doctor", "physician"), ("happy", "glad"), ("quick", "fast"), ("difficult", "hard"),
    ("easy", "simple"),
    ("various", "different"), ("entire", "whole"), ("nearly", "almost"), ("almost", "nearly"),
    ("purchase", "buy"),
    ("increase", "rise"), ("increased", "went up"), ("decreased", "went down"), ("reduced", "lowered"),
    ("improve", "enhance"), ("improves", "enhances"), ("consists of", "is made up of"),
    ("contains", "includes"),
    ("requires", "needs"), ("require", "need"), ("obtain", "get"), ("provide", "give"),
    ("provides", "gives"),
    ("during", "in the course of"), ("prior to", "before"), ("subsequently", "afterwards"),
    ("agreement", "contract"),
    ("disclose", "reveal"), ("terminate", "end"), ("party", "side"), ("study", "investigation"),
    ("researchers", "scientists"), ("results", "findings"), ("higher", "greater"), ("lower", "smaller"),
)  # fmt: skip

WEAKER = (
    ("all", "most"), ("every", "almost every"), ("always", "often"), ("most", "some"), ("many", "some"),
    ("both", "at least one of the two"), ("must", "should"), ("definitely", "probably"),
    ("clearly", "apparently"),
)  # fmt: skip

CAUSES = (
    "because of a change in the law", "because of the bad weather", "due to a lack of money",
    "because the public demanded it", "as a result of the war", "because of new technology",
    "due to the rising cost of energy", "because an earlier attempt had failed",
    "owing to pressure from investors",
    "as a consequence of a long dispute", "because customers complained", "due to a shortage of staff",
)  # fmt: skip

DETAILS = (
    "and received several awards for it", "with the help of a private sponsor",
    "at a cost of several million dollars",
    "for the first time in history", "despite strong opposition", "according to a recent survey",
    "free of charge for new customers", "together with two colleagues from abroad",
    "in front of a large audience",
    "which surprised many experts", "within three working days", "on the west coast",
    "as confirmed by the director",
    "under a new name", "with a guarantee of ten years", "in collaboration with a university",
    "and was widely criticised for it", "in both men and women over 60", "after a vote in parliament",
    "using a new method", "which is now used all over the world", "in a small village",
)  # fmt: skip

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
AUXILIARIES = ("is", "are", "was", "were", "can", "could", "will", "would", "should", "must", "has", "have",
    "had",                "does", "did", "do", "may")  # fmt: skip
LEAD_INS = (
    "According to the text, {}", "As stated in the passage, {}", "The text says that {}",
    "It is said that {}",
    "The passage notes that {}", "In other words, {}",
)  # fmt: skip
