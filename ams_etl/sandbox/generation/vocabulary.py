"""Words that the generated agency is made of."""

FIRST = (
    "James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth", "William",
    "Barbara", "Richard", "Susan", "Joseph", "Jessica", "Thomas", "Karen", "Charles", "Lisa", "Christopher", "Nancy",
    "Daniel", "Betty", "Matthew", "Sandra", "Anthony", "Margaret", "José", "Zoë", "Renée", "Søren", "Jürgen", "Bartholomew",
    "Guadalupe", "Dwayne", "Siobhán", "Nguyễn", "Oluwaseun", "Xiomara", "Yvonne", "Ulrich", "Ignacio", "Quincy", "Vera",
    "Walter", "Jonathan", "Johanna", "Andrew", "Alexandra", "Mary Ann", "J. R.", "Anne-Marie", "D'Andre", "Ōtani", "Łukasz",
    "Samantha", "Gerald", "Ruth", "Eleanor", "Frank", "Theodore", "Katherine", "Donald", "Rebecca", "Steven", "Deborah",
)  # fmt: skip
NICKNAMES = {
    "James": "Jim", "Robert": "Bob", "William": "Bill", "Richard": "Dick", "Elizabeth": "Liz", "Jennifer": "Jen",
    "Michael": "Mike", "Patricia": "Pat", "Margaret": "Peggy", "Christopher": "Chris", "Anthony": "Tony",
    "Bartholomew": "Bart", "Charles": "Chuck", "Thomas": "Tom", "Joseph": "Joe", "Daniel": "Dan", "Matthew": "Matt",
    "Jonathan": "Jon", "Johanna": "Jo", "Andrew": "Andy", "Alexandra": "Sasha", "Samantha": "Sam", "Theodore": "Ted",
    "Katherine": "Kate", "Rebecca": "Becky", "Steven": "Steve", "Deborah": "Deb",
}  # fmt: skip
BYNAMES = ("Skip", "Ace", "Junior", "Buddy", "Red", "Tiny")
LAST = (
    "Smith", "Johnson", "Williams", "Brown", "Jones", "Garcia", "Miller", "Davis", "Rodriguez", "Martinez", "Hernandez",
    "Lopez", "Gonzalez", "Wilson", "Anderson", "Thomas", "Taylor", "Moore", "Jackson", "Martin", "Lee", "Perez", "Thompson",
    "White", "Harris", "Sanchez", "Clark", "Ramirez", "Lewis", "Robinson", "Walker", "Young", "Allen", "King", "Wright",
    "Scott", "Torres", "Nguyen", "Hill", "Flores", "Green", "Adams", "Nelson", "Baker", "Hall", "Rivera", "Campbell",
    "Mitchell", "Carter", "O'Brien", "D'Angelo", "McDonald", "MacLeod", "Smith-Jones", "Núñez", "Müller", "Ångström",
    "Østergaard", "Şahin", "Ivanov", "Quigley", "Underwood", "Xu", "Yamamoto", "Zimmerman", "Fitzgerald", "Kowalski",
    "Vanderbilt", "Eisenhower", "Doe", "Ng", "Ångqvist", "Éluard", "Ñíguez", "O’Neill", "Patel", "Cohen", "Ferrari",
)  # fmt: skip
PARTICLED = (
    "de la Cruz",
    "van der Berg",
    "'t Hooft",
    "von Trapp",
    "St. John",
    "Du Bois",
    "García Márquez",
    "Abd al-Rahman",
)
SUFFIXES = ("Jr.", "Sr.", "II", "III", "MD", "Esq.", "Jr")
HONORIFICS = ("Mr.", "Mrs.", "Ms.", "Dr.", "Miss", "Rev.", "Prof.")
JOINTS = (" & ", " and ", " + ", " &/or ", "&", "&/or", " And ")
MARKS = (
    "(Deceased)", "(DNC)", "(Dec'd)", "(Do Not Contact)", "(Minor)", "(Former)", "(deceased 2019)", "(DO NOT CALL)",
    "(Ex-Wife)", "(DECEASED",
)  # fmt: skip
FIRMS = (
    "Plumbing", "Electric", "Roofing", "Auto Body", "Bakery", "Consulting", "Properties", "Landscaping", "Trucking",
    "Dental", "Law Offices", "Brewing Company", "Farms", "Construction", "Cafe", "Logistics", "Holdings",
)  # fmt: skip
FIRM_ENDINGS = ("LLC", "Inc.", "Inc", "Co.", "Corp.", "L.L.C.", "", "", "& Sons", "Partners")
ODD_FIRMS = (
    "3M Industrial Supply", "#1 Auto Repair", "24/7 Towing LLC", "(The) Corner Store", '"Best" Deli', "@Home Care Inc",
    "& Sons Hauling", "*Star* Cleaners", "Ñandú Imports", "Éclair Pâtisserie", "1st Choice Realty", "$mart Shop",
    "Ōsaka Sushi", "Žižkov Import", "John Smith", "A+ Tutors", "'t Hooft Dairy", "[in]sight Media", "_underscore_ Labs",
    "-Dash- Couriers", "<Brackets> & Co", "100% Organic", "Ägir Marine", "Estate of Mary Jones", "THE SMITH FAMILY TRUST",
)  # fmt: skip
CITIES = (
    ("Springfield", "IL", "62701"), ("Columbus", "OH", "43215"), ("Austin", "TX", "78701"), ("Portland", "OR", "97201"),
    ("Savannah", "GA", "31401"), ("Buffalo", "NY", "14201"), ("Boise", "ID", "83702-1234"), ("Tampa", "FL", "33602"),
    ("Cañon City", "CO", "81212"), ("Coeur d'Alene", "ID", "83814"),
)  # fmt: skip
STREETS = ("Main St", "Oak Ave", "Maple Dr", "2nd St", "Washington Blvd", "Lake Rd", "County Road 12", "Elm Ct")
AREA_CODES = ("217", "614", "512", "503", "912", "716", "208", "813", "800")
BAD_EMAILS = ("none", "n/a", "bob@", "@example.com", "declined", "john smith@example.com", "a@@example.com", "no email")
PERSONAL_LINES = {
    "AUTOP": "Automobile - Personal", "HOME": "Homeowners", "UMBRP": "Umbrella - Personal", "BOAT": "Watercraft",
    "LIFE": "Life",
}  # fmt: skip
COMMERCIAL_LINES = {
    "CGL": "General Liability", "WCOM": "Workers Compensation", "BAUT": "Business Auto", "PROP": "Commercial Property",
    "HLTH": "Group Health",
}  # fmt: skip
COMPANIES = {
    "PRG": "Progressive", "TRV": "Travelers", "SAF": "Safeco Insurance", "HAN": "The Hanover", "CHB": "Chubb",
    "CIN": "Cincinnati Insurance", "NAT": "Nationwide", "LIB": "Liberty Mutual", "ERI": "Erie & Niagara",
    "M<>": "Mutual <Old>",
}  # fmt: skip
BENEFITS_LINES = {
    "MED": "Group Medical",
    "DENT": "Group Dental",
    "VIS": "Group Vision",
    "GLTD": "Group Long Term Disability",
}
"""Lines and companies that no generated policy has: plans of BenefitPoint bring them."""
BENEFITS_COMPANIES = {
    "ANT": "Anthem", "BC&": "Blue Cross & Blue Shield", "DEL": "Delta Dental", "GRD": "Guardian", "MET": "MetLife",
    "VSP": "VSP",
}  # fmt: skip
UNITS = {
    "Division": ("Main Street Agency", "Benefits"), "Branch": ("Downtown", "North Side", "Online"),
    "Department": ("Personal Lines", "Commercial Lines"), "Group": ("House", "Acquired 2019"),
}  # fmt: skip
VALUE_LISTS = {
    "CustomerType": {"C": "Customer", "P": "Prospect", "S": "Suspect"},
    "PolicyStatus": {"A": "Active", "C": "Cancelled", "N": "Non-renewed"},
    "TransactionType": {"NBS": "New business", "REN": "Renewal", "XLC": "Cancellation", "END": "Endorsement"},
    "SuspenseCenter": {"REN": "Renewal", "BIL": "Billing", "OTH": "Other"},
    "NoteCenter": {"N": "Note", "C": "Confidential", "L": "Loss"},
    "Doc360SecurityClass": {"PUB": "Public", "INT": "Internal"},
}
SECOND_INSURED = ("Spouse", "Wife", "Husband", "Domestic Partner", "Second Insured", "SPOUSE", "Co-Insured")
RELATIVES = ("Son", "Daughter", "Child", "Mother", "Driver", "")
TITLES = ("Owner", "President", "Office Manager", "CFO", "Bookkeeper", None)
RESPONSIBILITIES = ("Billing", "Claims", "Safety", "Human Resources")
OCCUPATIONS = ("Teacher", "Nurse", "Engineer", "Retired", "Self-employed", "Attorney")
QUESTIONS = ("Favorite team?", "Preferred contact time?", "How did you hear about us?")
ANSWERS = ("Evenings", "Referral", "Don't know", "Web search", "<none>")
EMPLOYEE_CODES = (
    "!!#", "!\"'", "<&>", "\\^A", "A 1", "a 1", "ABC", "abc", "#&'", "Z9Z", "  7", "QQ ", "M'C", ">>>", "E01", "E02", "E03",
    "E04", "R01", "R02", "R03", "R04", "R05", "X^2",
)  # fmt: skip
EXECUTIVE_CODES = EMPLOYEE_CODES[::2]
REPRESENTATIVE_CODES = tuple(code for place, code in enumerate(EMPLOYEE_CODES) if place % 3)
