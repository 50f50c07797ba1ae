"""The words the seeded firm is made of."""

CLIENTS = (
    "Aldermoor Logistics",
    "Société Générale d'Ingénierie",
    "Smith & <Sons> Ltd",
    "Bergström Energi AB",
    "Kestrel Insurance Group",
    "Van der Meer Maritime",
    "Northgate Water",
    "Ørsund Shipping",
    "Halcyon Biotech",
    "Müller & Weiß Anlagenbau",
    "Tidewater Foods",
    "Castellan Bank",
    "Delft Precision Optics",
    "Meridian Rail",
    "Łódź Textile Works",
    "Harrow & Finch",
    "Pelican Retail",
    "Zuiderkade Property",
    "Ashdown Pharma",
    "Bluestone Mining",
    "Compañía Minera del Sur",
    "Everhart Hospitals",
    "Foxglove Media",
    "Granite State Mutual",
    "Hudson Valley Grid",
    "Ironbridge Steel",
    "Juniper Aerospace",
    "Keizer Agro",
    "Lakeshore Credit Union",
    "Montrose University",
    "Nieuwland Telecom",
    "Oakfield Homes",
    "Piedmont Paper",
    "Quayside Ports",
    "Redwood Semiconductors",
    "Stirling Distillers",
    "Thameslink Freight",
    "Utrecht Medical Devices",
    "Vesper Airlines",
    "Westbrook Partners",
)

FIRST_NAMES = (
    "Özgür", "Anna", "Sanne", "James", "Zoë", "Daan", "Priya", "Oliver", "Chloé", "Mateusz",
    "Emily", "Jeroen", "Grace", "Søren", "Aisha", "Thomas", "Lotte", "Marcus", "Inés", "Femke",
    "Henry", "Noor", "Rebecca", "Willem", "Amara", "Lucas", "Hannah", "Bram", "Nadia", "Peter",
)  # fmt: skip

LAST_NAMES = (
    "Yılmaz", "de Vries", "Carter", "Jansen", "O'Neill", "Bakker", "Sharma", "Whitfield",
    "Lefèvre", "Kowalski", "Brooks", "Visser", "Hughes", "Nørgaard", "Rahman", "Mulder",
    "Fletcher", "Núñez", "Dekker", "Osei", "Bennett", "Smit", "Kaplan",
)  # fmt: skip

SERVICES = (
    "Finance transformation",
    "Cloud migration",
    "Operating model review",
    "Cost baseline",
    "Post-merger integration",
    "Risk and controls",
    "Procurement excellence",
    "Pricing strategy",
    "Workforce planning",
    "Regulatory reporting",
    "Supply chain diagnostics",
    "Customer operations redesign",
)

PHASES = ("Discovery", "Delivery", "Rollout")

WORK = ("Fees", "Workshops", "Milestone", "Retainer", "Advisory days")

ACTIVITIES = (
    ("analysis", ("Data request and cleaning", "Variance analysis", "Process walk-through")),
    ("workshop", ("Steering committee", "Design workshop", "Requirements session")),
    ("design", ("Target picture", "Interface design", "Control matrix")),
    ("build", ("Configuration", "Migration rehearsal", "Report building")),
    ("travel", ("Journey to the client", "Journey back")),
    ("management", ("Planning and status report", "Staffing and budget review")),
)
"""Kinds of work, each with what people note about it."""

SKILLS = (
    "cloud", "controllership", "costing", "data modelling", "facilitation", "forecasting", "lean",
    "negotiation", "process mining", "programme management", "SAP", "SQL", "tax", "treasury",
)  # fmt: skip

GRADES = ("I", "II", "III")

DELIVERABLES = ("Blueprint", "Pilot", "Migration", "Handover")

STREETS = ("Harbour Road", "Keizersgracht", "Mill Lane", "Market Square", "Coolsingel")
