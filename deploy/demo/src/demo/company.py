"""The invented company of the demo: its sites, units, grades and stock of names.

Nobody here exists. First names and surnames are common ones of each country, put together by chance.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """Where people work, and what they speak there."""

    name: str
    time_zone: str
    weight: int
    """How many of a hundred employees work here."""
    languages: tuple[str, ...]
    """The first is spoken by all, each further one by most."""
    names: str
    """Key of the stock of names that is common here."""


SITES = (
    Site("Paris La Défense", "Europe/Paris", 26, ("fr", "en"), "fr"),
    Site("Lyon Part-Dieu", "Europe/Paris", 10, ("fr", "en"), "fr"),
    Site("Toulouse", "Europe/Paris", 8, ("fr", "en", "es"), "fr"),
    Site("London", "Europe/London", 11, ("en", "fr"), "en"),
    Site("München", "Europe/Berlin", 8, ("de", "en"), "de"),
    Site("Málaga", "Europe/Madrid", 6, ("es", "en"), "es"),
    Site("New York", "America/New_York", 8, ("en", "es"), "en"),
    Site("Montréal", "America/Toronto", 7, ("fr", "en"), "fr"),
    Site("São Paulo", "America/Sao_Paulo", 5, ("pt", "en", "es"), "pt"),
    Site("Bengaluru", "Asia/Kolkata", 5, ("en", "hi"), "in"),
    Site("Singapore", "Asia/Singapore", 3, ("en", "zh"), "in"),
    Site("Casablanca", "Africa/Casablanca", 3, ("fr", "ar", "en"), "fr"),
)

UNITS = (
    "Direction générale",
    "Finance & Contrôle",
    "Trésorerie",
    "Achats ; Logistique",
    "Ressources humaines",
    "Formation et développement",
    "Systèmes d'information",
    "Données et intelligence artificielle",
    "Cybersécurité",
    "Recherche & Innovation",
    "Énergies renouvelables",
    "Réseaux électriques",
    "Turbines et générateurs",
    "Santé et imagerie",
    "Aéronautique",
    "Ferroviaire",
    "Qualité",
    "Sûreté industrielle",
    "Production Europe",
    "Production Amériques",
    "Production Asie",
    "Ventes France",
    "Ventes internationales",
    "Marketing",
    "Communication",
    "Affaires juridiques",
    "Audit interne",
    "Développement durable",
    "Immobilier",
    "Service clients",
)

FIRST_NAMES = {
    "fr": (
        "Adèle Agnès Alexandre Amélie André Anaïs Arnaud Aurélie Benoît Camille Cécile Céline Chloé "
        "Claire Clément Cédric Damien David Delphine Élise Élodie Émilie Éric Étienne Fabrice Florence "
        "François Françoise Gaëlle Gérard Guillaume Hélène Hervé Hugo Inès Isabelle Jérôme Joël Julien "
        "Karim Laëtitia Léa Loïc Louise Lucas Maëlle Manon Mathieu Maxime Mélanie Michaël Nadia "
        "Nathalie Noémie Océane Olivier Pascal Pauline Rémi Romain Sébastien Sélim Solène Sophie "
        "Stéphane Théo Thérèse Valérie Véronique Yann Yasmine Zoé"
    ),
    "en": (
        "Abigail Adam Alice Amy Andrew Anna Benjamin Bethany Charles Charlotte Daniel Diana Edward "
        "Eleanor Emma Ethan Fiona George Grace Hannah Harry Helen Henry Isla Jack James Jane Jessica "
        "John Julia Kate Kevin Laura Liam Linda Lucy Mark Martha Matthew Megan Nathan Nicole Oliver "
        "Olivia Oscar Patricia Paul Peter Rachel Rebecca Robert Rose Ryan Samuel Sarah Simon Stella "
        "Susan Thomas Victoria William Zachary"
    ),
    "de": (
        "Anja Anke Björn Claudia Dirk Eva Felix Florian Franziska Günter Hannes Heike Ingrid Jakob Jan "
        "Jörg Jürgen Karin Katrin Klaus Lena Lukas Markus Martina Nils Petra Ralf Sabine Sven Tanja "
        "Thomas Ulrike Uwe Wolfgang"
    ),
    "es": (
        "Alba Alejandro Álvaro Ana Andrés Beatriz Begoña Carlos Carmen Cristina Elena Fernando Inés "
        "Íñigo Isabel Javier José Laura Lucía Luis María Marta Miguel Mónica Nuria Óscar Pablo Pilar "
        "Raúl Rocío Sofía Teresa"
    ),
    "pt": (
        "Adriana Ana André Antônio Beatriz Bruno Caio Camila Carlos Daniela Débora Eduardo Fábio "
        "Fernanda Gabriel Inês João Júlia Larissa Letícia Lúcia Luís Marcelo Mariana Otávio Patrícia "
        "Rafael Renata Sérgio Thaís Vinícius"
    ),
    "in": (
        "Aarav Aditi Ajay Amit Anika Anjali Arjun Deepa Divya Farah Gita Hari Ishaan Jaya Karan Kavita "
        "Lakshmi Leela Manish Meera Mei Nikhil Nisha Priya Rahul Rajesh Ravi Rohan Sanjay Sunita Tara "
        "Uma Vikram Wei Xin Yan"
    ),
}

SURNAMES = {
    "fr": (
        "André Aubert Barbier Benoît Bernard Bertrand Blanc Bonnet Bouchard Boyer Brun Caron Chevalier "
        "Clément Colin David Denis Dubois Dufour Dupont Durand Faure Fontaine Fournier Gagné Garnier "
        "Gauthier Gérard Girard Guérin Henry Huet Lacroix Lambert Lefèvre Léger Legrand Lemaître Leroy "
        "Lévesque Marchand Martin Mercier Michel Moreau Morel Noël Olivier Pelletier Perrin Petit "
        "Picard Poirier Prévost Renard Renaud Richard Rivière Robert Roche Rousseau Roux Simon Thibault "
        "Thomas Vasseur Vidal Vincent"
    ),
    "en": (
        "Adams Allen Baker Barnes Bell Bennett Brooks Brown Butler Campbell Carter Clark Collins Cooper "
        "Cox Davies Davis Edwards Evans Fisher Foster Gray Green Hall Harris Hill Hughes Jackson "
        "Johnson Jones Kelly King Knight Lewis Marshall Mason Miller Mitchell Moore Morgan Murphy "
        "Nelson Palmer Parker Phillips Price Reed Roberts Russell Scott Shaw Smith Taylor Turner Walker "
        "Ward Watson White Wilson Wood Wright Young"
    ),
    "de": (
        "Bauer Becker Böhm Braun Fischer Frank Groß Günther Hahn Hoffmann Huber Jäger Kaiser Keller "
        "Klein Koch König Krämer Krüger Lang Lehmann Maier Möller Müller Neumann Peters Richter Schäfer "
        "Schmidt Schröder Schulz Schwarz Vogel Wagner Weber Weiß Wolf Zimmermann"
    ),
    "es": (
        "Álvarez Blanco Cano Castillo Díaz Domínguez Fernández Flores García Gil Gómez González "
        "Gutiérrez Hernández Ibáñez Jiménez López Marín Martínez Molina Moreno Muñoz Navarro Núñez "
        "Ortega Pérez Ramírez Rubio Ruiz Sánchez Santos Suárez Torres Vázquez"
    ),
    "pt": (
        "Almeida Alves Araújo Barbosa Cardoso Carvalho Castro Correia Costa Dias Ferreira Freitas Gomes "
        "Gonçalves Lima Lopes Machado Magalhães Martins Melo Moraes Moreira Nascimento Oliveira Pereira "
        "Ribeiro Rocha Santos Silva Souza Teixeira Vieira"
    ),
    "in": (
        "Agarwal Bhat Chan Chandra Chatterjee Chen Das Desai Gupta Iyer Jain Joshi Kapoor Khan Kumar "
        "Lee Lim Malhotra Mehta Menon Mishra Nair Ng Patel Pillai Rao Reddy Shah Sharma Singh Sinha Tan "
        "Varma Wong Yadav"
    ),
}

TOP_GRADE = "E3"
HEAD_GRADE = "E2"
DEPUTY_GRADE = "E1"
MANAGER_GRADES = {"M3": 2, "M2": 4, "M1": 6}
JUNIOR_GRADES = {"J1": 4, "J2": 4, "J3": 3, "S1": 1}
SENIORS = ("E1", "E2", "E3", "M1", "M2", "M3")
"""Grades of the people to be mentored; everybody else is a possible mentor."""
