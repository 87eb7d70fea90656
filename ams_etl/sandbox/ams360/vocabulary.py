"""Words that the generated agency is made of."""

FIRST = (
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica "
    "Thomas Karen Charles Lisa Christopher Nancy Daniel Betty Matthew Sandra Anthony Margaret José Zoë Renée Søren Jürgen "
    "Bartholomew Guadalupe Dwayne Siobhán Nguyễn Oluwaseun Xiomara Yvonne Ulrich Ignacio Quincy Vera Walter"
).split()
NICKNAMES = {
    "James": "Jim", "Robert": "Bob", "William": "Bill", "Richard": "Dick", "Elizabeth": "Liz", "Jennifer": "Jen",
    "Michael": "Mike", "Patricia": "Pat", "Margaret": "Peggy", "Christopher": "Chris", "Anthony": "Tony",
    "Bartholomew": "Bart", "Charles": "Chuck", "Thomas": "Tom", "Joseph": "Joe", "Daniel": "Dan", "Matthew": "Matt",
}  # fmt: skip
LAST = (
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson "
    "Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young "
    "Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter "
    "O'Brien D'Angelo McDonald MacLeod Smith-Jones Núñez Müller Ångström Østergaard Şahin Ivanov Quigley Underwood Xu "
    "Yamamoto Zimmerman Fitzgerald Kowalski Vanderbilt Eisenhower"
).split()
PARTICLED = ("de la Cruz", "van der Berg", "'t Hooft", "von Trapp", "St. John", "Du Bois")
SUFFIXES = ("Jr.", "Sr.", "II", "III", "MD", "Esq.")
FIRMS = (
    "Plumbing", "Electric", "Roofing", "Auto Body", "Bakery", "Consulting", "Properties", "Landscaping", "Trucking",
    "Dental", "Law Offices", "Brewing Company", "Farms", "Construction", "Cafe", "Logistics", "Holdings",
)  # fmt: skip
FIRM_ENDINGS = ("LLC", "Inc.", "Inc", "Co.", "Corp.", "L.L.C.", "", "", "& Sons", "Partners")
ODD_FIRMS = (
    "3M Industrial Supply", "#1 Auto Repair", "24/7 Towing LLC", "(The) Corner Store", "\"Best\" Deli", "@Home Care Inc",
    "& Sons Hauling", "*Star* Cleaners", "Ñandú Imports", "Éclair Pâtisserie", "1st Choice Realty", "$mart Shop",
    "Ōsaka Sushi", "Žižkov Import", "John Smith", "A+ Tutors",
)  # fmt: skip
CITIES = (
    ("Springfield", "IL", "62701"), ("Columbus", "OH", "43215"), ("Austin", "TX", "78701"), ("Portland", "OR", "97201"),
    ("Savannah", "GA", "31401"), ("Buffalo", "NY", "14201"), ("Boise", "ID", "83702"), ("Tampa", "FL", "33602"),
)  # fmt: skip
STREETS = ("Main St", "Oak Ave", "Maple Dr", "2nd St", "Washington Blvd", "Lake Rd", "County Road 12", "Elm Ct")
AREA_CODES = ("217", "614", "512", "503", "912", "716", "208", "813", "800")
LINES = {
    "AUTOP": "Automobile - Personal", "HOME": "Homeowners", "UMBRP": "Umbrella - Personal", "BOAT": "Watercraft",
    "CGL": "General Liability", "WCOM": "Workers Compensation", "BAUT": "Business Auto", "PROP": "Commercial Property",
    "LIFE": "Life", "HLTH": "Group Health",
}  # fmt: skip
PERSONAL_LINES, COMMERCIAL_LINES = ("AUTOP", "HOME", "UMBRP", "BOAT", "LIFE"), ("CGL", "WCOM", "BAUT", "PROP", "HLTH")
COMPANIES = {
    "PRG": "Progressive", "TRV": "Travelers", "SAF": "Safeco Insurance", "HAN": "The Hanover", "CHB": "Chubb",
    "CIN": "Cincinnati Insurance", "NAT": "Nationwide", "LIB": "Liberty Mutual", "ERI": "Erie & Niagara", "M<>": "Mutual <Old>",
}  # fmt: skip
MARKS = ("(Deceased)", "(DNC)", "(Dec'd)", "(Do Not Contact)", "(Minor)", "(Former)")
RELATIONSHIPS = ("Spouse", "Wife", "Husband", "Domestic Partner", "Son", "Daughter", "Child", "Second Insured", "Mother", "")
TITLES = ("Owner", "President", "Office Manager", "CFO", "Bookkeeper", None)
EMPLOYEE_CODES = ("!!#", "!\"'", "<&>", "\\^A", "A 1", "a 1", "ABC", "abc", "#&'", "Z9Z", "  7", "QQ ", "M'C", ">>>", "E01",
                  "E02", "E03", "E04", "R01", "R02", "R03", "R04", "R05", "X^2")  # fmt: skip
